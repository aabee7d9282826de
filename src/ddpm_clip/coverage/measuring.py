"""Calibrates the coverage of a conditioner and its embedder, and saves it in a run's folder.

Which prompts have known coverage depends on what is known about the pictures: captions, classes, or
nothing but the pictures themselves.
"""

from collections.abc import Sequence
from pathlib import Path

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.coverage.calibration import Coverage, Embed, chosen
from ddpm_clip.coverage.readable import suggestible
from ddpm_clip.coverage.texts import Known, named, outside_texts, wrapped
from ddpm_clip.errors import DataError
from ddpm_clip.runs.pretrained import COVERAGE
from ddpm_clip.types import Embedder

FEWEST = 4
"""Smallest bank of pictures for which coverage is measured."""

CAPTIONS = 256
"""Most captions of the prompt bank that are used for calibration."""

OFTEN, SELDOM = 2.0, 0.5
"""A prompt is covered from OFTEN, and outside up to SELDOM times an even share of pictures."""


def why_silent(conditioner: Conditioner, embedder: str, classes: Sequence[str]) -> str:
    """Return why coverage cannot be measured; "" if it can.

    Args:
        conditioner: The model's conditioner.
        embedder: Name of the embedder.
        classes: Classes of the pictures.
    """
    if embedder == "labels":
        return "its prompts are class names, and every class is covered"
    if conditioner.mode == "raw":
        return "its embeddings are not centred, so their similarity means little"
    if len(conditioner.bank) < FEWEST:
        n = len(conditioner.bank)
        return f"its bank has {n} pictures: it was packed without one, or trained on too few"
    if not (conditioner.prompts or classes):
        return "it has neither class names nor a prompt bank to compare with"
    return ""


def known_prompts(
    conditioner: Conditioner, embedder: str, classes: Sequence[str], embed: Embed
) -> Known:
    """Return prompts that are covered, and prompts that are outside.

    The prompt bank of a mini-CLIP consists of captions of its pictures. That of a pretrained CLIP
    is general; there the classes are covered, or without classes the texts nearest to many
    pictures.
    """
    prompts, own = conditioner.prompts, embedder == "mini_clip"
    if own or classes:
        captions = prompts[:: max(1, len(prompts) // CAPTIONS)] if own else []
        plain = list(dict.fromkeys([*captions, *named(classes)]))
        shown = suggestible(plain, prompts if own else plain, classes)
        known = [*plain, *(prompts if own else ())]
        return Known(plain, wrapped(plain), outside_texts(known), shown)
    texts = list(dict.fromkeys([*prompts, *outside_texts([])]))
    votes = chosen(conditioner, embed(texts)).tolist()
    plain = [text for text, share in zip(texts, votes, strict=True) if share >= OFTEN]
    beyond = [text for text, share in zip(texts, votes, strict=True) if share <= SELDOM]
    return Known(plain, wrapped(plain), beyond)


def calibrated(
    conditioner: Conditioner, embedder: Embedder, classes: Sequence[str], embed: Embed
) -> Coverage:
    """Return the calibrated coverage of a model's pictures.

    Args:
        conditioner: The model's conditioner, with its bank.
        embedder: The embedder, for its name and fingerprint.
        classes: Classes of the pictures.
        embed: Function that embeds texts by that embedder.

    Raises:
        DataError: Coverage cannot be measured for this model.
    """
    if why := why_silent(conditioner, embedder.name, classes):
        raise DataError("cannot measure what these pictures cover", why)
    known = known_prompts(conditioner, embedder.name, classes, embed)
    return Coverage.fit(conditioner, embed, known, embedder.fingerprint)


def keep_coverage(
    folder: Path, conditioner: Conditioner, embedder: Embedder, classes: Sequence[str]
) -> None:
    """Write coverage.json into a run's folder, unless coverage cannot be measured."""
    if not why_silent(conditioner, embedder.name, classes):
        made = calibrated(
            conditioner, embedder, classes, lambda texts: embedder.embed_texts(texts).cpu()
        )
        made.save(folder / COVERAGE)
