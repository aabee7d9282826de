"""From a conditioner and its embedder to a calibrated coverage, and into a run's folder.

Which prompts are of known coverage depends on what is known of the pictures: captions, classes,
or nothing but the pictures. Knows nothing of models that paint.
"""

from collections.abc import Sequence
from pathlib import Path

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.coverage.calibration import Coverage, Embed, chosen
from ddpm_clip.coverage.texts import Known, named, outside_texts, wrapped
from ddpm_clip.errors import DataError
from ddpm_clip.runs.pretrained import COVERAGE
from ddpm_clip.types import Embedder

FEWEST = 4
"""Pictures in a bank below which nothing is said."""

CAPTIONS = 256
"""Captions of the prompt bank at most that a verdict is calibrated on."""

OFTEN, SELDOM = 2.0, 0.5
"""Of an even share: prompts that pictures choose so often are covered, so seldom, outside."""


def why_silent(conditioner: Conditioner, embedder: str, classes: Sequence[str]) -> str:
    """Why nothing can be said of what pictures cover; empty where something can.

    Args:
        conditioner: of the model.
        embedder: its name.
        classes: of the pictures.
    """
    if embedder == "labels":
        return "it is asked by class names, and each of its classes is covered"
    if conditioner.mode == "raw":
        return "its embeddings are not centred, so that nearness means little"
    if len(conditioner.bank) < FEWEST:
        n = len(conditioner.bank)
        return f"its bank holds {n} pictures: it was packed without, or trained on too few"
    if not (conditioner.prompts or classes):
        return "it has neither class names nor a prompt bank to compare with"
    return ""


def known_prompts(
    conditioner: Conditioner, embedder: str, classes: Sequence[str], embed: Embed
) -> Known:
    """Prompts that are covered, and prompts that are outside.

    The prompt bank of a mini-CLIP are captions of its pictures; that of a pretrained CLIP is
    about everything. There the classes are covered, and without classes what the pictures choose.
    """
    prompts, own = conditioner.prompts, embedder == "mini_clip"
    if own or classes:
        captions = prompts[:: max(1, len(prompts) // CAPTIONS)] if own else []
        plain = list(dict.fromkeys([*captions, *named(classes)]))
        return Known(plain, wrapped(plain), outside_texts([*plain, *(prompts if own else ())]))
    texts = list(dict.fromkeys([*prompts, *outside_texts([])]))
    votes = chosen(conditioner, embed(texts)).tolist()
    plain = [text for text, share in zip(texts, votes, strict=True) if share >= OFTEN]
    beyond = [text for text, share in zip(texts, votes, strict=True) if share <= SELDOM]
    return Known(plain, wrapped(plain), beyond)


def calibrated(
    conditioner: Conditioner, embedder: Embedder, classes: Sequence[str], embed: Embed
) -> Coverage:
    """The coverage of a model's pictures.

    Args:
        conditioner: with its bank.
        embedder: its name and fingerprint are looked at.
        classes: of the pictures.
        embed: texts through that embedder.

    Raises:
        DataError: nothing can be said.
    """
    if why := why_silent(conditioner, embedder.name, classes):
        raise DataError("nothing can be said of what these pictures cover", why)
    known = known_prompts(conditioner, embedder.name, classes, embed)
    return Coverage.fit(conditioner, embed, known, embedder.fingerprint)


def keep_coverage(
    folder: Path, conditioner: Conditioner, embedder: Embedder, classes: Sequence[str]
) -> None:
    """Write coverage.json into a run's folder, unless nothing can be said of its pictures."""
    if not why_silent(conditioner, embedder.name, classes):
        made = calibrated(
            conditioner, embedder, classes, lambda texts: embedder.embed_texts(texts).cpu()
        )
        made.save(folder / COVERAGE)
