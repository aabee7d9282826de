"""A run's prior and its own bridge: fitted and chosen when the pictures are embedded.

Knows nothing of optimisation.
"""

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
from ddpm_clip.training.bridge.bridge_choice import DEFAULT, Choice, choose
from ddpm_clip.training.bridge.pairs import MOST, captions_of, embedded, pseudo_pairs
from ddpm_clip.types import Embedder, ImageSource, Progress

AUTO = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class CaptionPairs:
    """The pictures of a run, and who can say what they show.

    Attributes:
        source: says facts, captions or labels.
        indices: the source's own number of each row.
        images: (n, e) embeddings.
        rows: trained on.
        heldout: not trained on.
        pixels: (n, c, h, w) uint8, where captions say what can be measured in them.
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
    """Give a fitted conditioner its prior, and choose its bridge where `requested` is `auto`.

    Args:
        conditioner: gets a prior here, unless there is nothing to fit it on.
        embedder: of the captions.
        prompts: (p, e) embeddings of the prompt bank, for want of captions.
        pairs: the pictures.
        requested: a bridge, which is the choice then, or `auto`.
    """
    if embedder.name == "labels":
        return Choice(
            "identity" if requested == AUTO else requested,
            "words and pictures are the same to this embedder",
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
        return Choice(requested, "as the configuration says")
    texts, images = yield from _captioned(pairs, pairs.heldout, embedder, len(pairs.heldout))
    return choose(conditioner, texts, images)


def note_of(choice: Choice, conditioner: Conditioner) -> dict[str, Any]:
    """What `bridge.json` says: the choice, and what the prior was fitted on."""
    return choice.as_dict() | {"prior": _about(conditioner.prior)}


def add_prior(model: str | Path, pairs: tuple[Tensor, Tensor] | None = None) -> Prior:
    """Fit a prior for a model that has none, and store it in its folder.

    Args:
        model: a run or packed model.
        pairs: texts (n, e) and the images (n, e) that they belong to, by the model's own embedder;
            None pairs the model's prompts with the nearest pictures of its bank.

    Raises:
        UsageError: it is a raw model, or the pairs are of another embedder.
        DataError: too few pairs, or no bank to find any in.
    """
    opened = load(model, "cpu")
    conditioner = opened.conditioner
    if conditioner.mode == "raw":
        raise UsageError(f"{opened.name} hands embeddings through as they are", "mode is raw")
    if pairs is None:
        with torch.no_grad():
            prompts = opened.embedder.embed_texts(conditioner.prompts).cpu()
        texts, images = pseudo_pairs(conditioner, prompts)
    else:
        texts, images = pairs
    if texts.shape[1:] != (conditioner.dim,) or images.shape[1:] != (conditioner.dim,):
        raise UsageError(
            f"pairs of {texts.shape[1]} coordinates for a model of {conditioner.dim}",
            "they come from another embedder",
        )
    conditioner.prior = Prior.fit(texts, images, pseudo=pairs is None)
    save_conditioner(opened.folder, conditioner)
    write_note(opened.folder, read_note(opened.folder) | {"prior": _about(conditioner.prior)})
    return conditioner.prior


def _captioned(
    pairs: CaptionPairs, rows: np.ndarray, embedder: Embedder, most: int
) -> Generator[Progress, None, tuple[Tensor, Tensor]]:
    """Captions of rows and the embeddings of the pictures that they belong to."""
    found = captions_of(pairs.source, pairs.indices, rows, pixels=pairs.pixels, most=most)
    texts = yield from embedded(embedder, [text for _, text in found])
    return texts, pairs.images[[row for row, _ in found]].float()


def _about(prior: Prior | None) -> dict[str, Any] | None:
    if prior is None:
        return None
    return {"pairs": "pseudo-pairs" if prior.pseudo else "captions", "n": prior.n}
