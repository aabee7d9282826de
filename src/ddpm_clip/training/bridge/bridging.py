"""Fits the prior of a run and settles its default bridge, once the pictures are embedded."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.files import read_note, save_conditioner, write_note
from ddpm_clip.conditioning.prior import FEWEST, Prior
from ddpm_clip.errors import UsageError
from ddpm_clip.runs.pretrained import load
from ddpm_clip.training.bridge.bridge_choice import DEFAULT, FEWEST_PAIRS, Choice, choose
from ddpm_clip.training.bridge.pairs import (
    MOST,
    captions_of,
    embedded,
    heldout_pseudo_pairs,
    pseudo_pairs,
)
from ddpm_clip.types import Embedder, ImageSource, Progress

AUTO = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class CaptionPairs:
    """The pictures of a run, and the source of their captions.

    Attributes:
        source: source of facts, captions or labels.
        indices: index in the source of each row.
        images: (n, e) image embeddings.
        rows: row numbers of the training pictures.
        heldout: row numbers of the held-out pictures.
        pixels: (n, c, h, w) uint8, if captions state what is measured in the pictures.
    """

    source: ImageSource
    indices: Sequence[int]
    images: Tensor
    rows: np.ndarray
    heldout: np.ndarray
    pixels: np.ndarray | None = None


def bridged(
    conditioner: Conditioner,
    embedder: Embedder,
    prompts: Tensor,
    pairs: CaptionPairs,
    requested: str,
) -> Generator[Progress, None, Choice]:
    """Fit the prior of a conditioner, and choose its bridge if `requested` is `auto`.

    Args:
        conditioner: fitted statistics; gets a prior here, unless there is nothing to fit it on.
        embedder: embeds the captions.
        prompts: (p, e) embeddings of the prompt bank; paired with the nearest pictures, they stand
            in for captions where there are too few.
        pairs: pictures and captions.
        requested: the name of a bridge, which is then taken, or `auto`.
    """
    if embedder.name == "labels":
        return Choice(
            "identity" if requested == AUTO else requested,
            "this embedder has one vector per class, so there is no gap between words and pictures",
        )
    if conditioner.mode == "raw":
        return Choice(DEFAULT if requested == AUTO else requested, "not used: the mode is raw")
    texts, images = yield from _captioned(pairs, pairs.rows, embedder, MOST)
    pseudo = len(texts) < FEWEST
    if pseudo and len(prompts) and len(conditioner.bank):
        texts, images = pseudo_pairs(conditioner, prompts)
    if len(texts) >= FEWEST:
        conditioner.prior = Prior.fit(texts, images, pseudo=pseudo)
    if requested != AUTO:
        return Choice(requested, "as configured")
    texts, images = yield from _captioned(pairs, pairs.heldout, embedder, len(pairs.heldout))
    if len(texts) >= FEWEST_PAIRS or not len(prompts) or not len(pairs.heldout):
        return choose(conditioner, texts, images)
    heldout = pairs.images[pairs.heldout]
    texts, images = heldout_pseudo_pairs(conditioner, prompts, heldout)
    return choose(conditioner, texts, images, pictures_a_text=len(texts) // len(prompts))


def note_of(choice: Choice, conditioner: Conditioner) -> dict[str, Any]:
    """Return the content of `bridge.json`: the choice, and what the prior was fitted on."""
    return choice.as_dict() | {"prior": _about(conditioner.prior)}


def add_prior(model: str | Path, pairs: tuple[Tensor, Tensor] | None = None) -> Prior:
    """Fit a prior for a model that has none, and save it in the model's folder.

    Args:
        model: a run or packed model.
        pairs: embeddings of texts (n, e) and of their images (n, e), by the model's own embedder;
            None pairs the model's prompts with the nearest pictures in its bank.

    Raises:
        UsageError: the model's mode is raw, or the pairs are from another embedder.
        DataError: there are too few pairs, or there is no bank to find any in.
    """
    opened = load(model, "cpu")
    conditioner = opened.conditioner
    if conditioner.mode == "raw":
        raise UsageError(
            f"{opened.name} cannot have a prior",
            "its mode is raw: embeddings are used as they are, without a bridge",
        )
    if pairs is None:
        with torch.no_grad():
            prompts = opened.embedder.embed_texts(conditioner.prompts).cpu()
        texts, images = pseudo_pairs(conditioner, prompts)
    else:
        texts, images = pairs
    if texts.shape[1:] != (conditioner.dim,) or images.shape[1:] != (conditioner.dim,):
        raise UsageError(
            f"pairs of size {texts.shape[1]} for a model that needs size {conditioner.dim}",
            "they come from another embedder",
        )
    conditioner.prior = Prior.fit(texts, images, pseudo=pairs is None)
    save_conditioner(opened.folder, conditioner)
    write_note(opened.folder, read_note(opened.folder) | {"prior": _about(conditioner.prior)})
    return conditioner.prior


def _captioned(
    pairs: CaptionPairs, rows: np.ndarray, embedder: Embedder, most: int
) -> Generator[Progress, None, tuple[Tensor, Tensor]]:
    """Return the embeddings of captions of `rows` and of their pictures."""
    found = captions_of(pairs.source, pairs.indices, rows, pixels=pairs.pixels, most=most)
    texts = yield from embedded(embedder, [text for _, text in found])
    return texts, pairs.images[[row for row, _ in found]].float()


def _about(prior: Prior | None) -> dict[str, Any] | None:
    if prior is None:
        return None
    return {"pairs": "pseudo-pairs" if prior.pseudo else "captions", "n": prior.n}
