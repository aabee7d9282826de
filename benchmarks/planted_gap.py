"""Plant a modality gap of known size in a trained model.

All text embeddings are moved by the same offset, and everything that a run measures on texts is
measured again: their mean and radius, the prior, and the choice of the bridge. The network, the
statistics of the pictures and the bank stay the same.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip import TextToImage
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.prior import Prior
from ddpm_clip.data.pictures.pixels import load_pixels
from ddpm_clip.data.sources import open_source
from ddpm_clip.errors import DataError
from ddpm_clip.training.bridge.bridge_choice import Choice, choose
from ddpm_clip.training.bridge.pairs import captions_of, embedded
from ddpm_clip.types import Embedder
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import to_float

TURNED_AWAY, LOUDNESS = -0.6, 2.5
"""The gap of CLIP ViT-B on COCO pairs: its cosine with the mean picture (-0.597), and the variance
of pictures along it, relative to the mean variance of a coordinate (2.52)."""

DIRECTIONS = 2000

ROUNDS, CLOSE = 500, 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """Moves unit vectors by an offset plus noise, and normalises them again."""

    offset: Tensor  # (e,)
    noise: float = 0.0  # standard deviation of each coordinate

    def __call__(self, e: Tensor, texts: Sequence[str]) -> Tensor:
        """Move unit vectors (p, e); the same text always gets the same noise."""
        return F.normalize(e + self.offset + noise_of(texts, e.shape[1], self.noise), dim=1)


def noise_of(texts: Sequence[str], dim: int, std: float) -> Tensor:
    """Normal noise (p, dim) that depends on the text alone."""
    rows = []
    for text in texts:
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
        rows.append(torch.randn(dim, generator=torch.Generator().manual_seed(seed)))
    return std * torch.stack(rows) if rows else torch.empty(0, dim)


def move_to(mean: Tensor, e: Tensor, texts: Sequence[str], noise: float = 0.0) -> Move:
    """The move that gives the unit vectors (p, e) of `texts` this mean (e,), shorter than 1.

    Raises:
        DataError: no offset reaches the mean.
    """
    offset = mean - e.mean(0)
    for _ in range(ROUNDS):
        missing = mean - Move(offset, noise)(e, texts).mean(0)
        if missing.norm() < CLOSE:
            return Move(offset, noise)
        offset = offset + missing
    raise DataError(f"no offset moves {len(e)} texts to a mean of length {mean.norm():.2f}")


def place_of_gap(conditioner: Conditioner, distance: float) -> Tensor:
    """A text mean (e,) at this distance from the mean picture, in a direction like a real CLIP's.

    Takes random directions with the cosine of a real gap, and picks the one along which the
    variance of the pictures is closest to that of a real gap. Along directions with little
    variance, a network has not learned to use its condition, and a gap would do too little harm.
    """
    middle, covariance = conditioner.mean_image, conditioner.covariance
    towards = F.normalize(middle, dim=0)
    lots = torch.randn(DIRECTIONS, len(middle), generator=torch.Generator().manual_seed(0))
    across = F.normalize(lots - (lots @ towards)[:, None] * towards, dim=1)
    gaps = TURNED_AWAY * towards + math.sqrt(1 - TURNED_AWAY**2) * across  # (lots, e)
    return middle + distance * gaps[(loudness(gaps, covariance) - LOUDNESS).abs().argmin()]


def loudness(directions: Tensor, covariance: Tensor) -> Tensor:
    """Variance (n,) along unit directions (n, e), relative to the mean variance of a coordinate."""
    along = ((directions @ covariance) * directions).sum(1)
    return along / covariance.diagonal().mean()


class MovedTexts:
    """An embedder with moved text embeddings; everything else is that of the inner embedder."""

    def __init__(self, inner: Embedder, move: Move):
        self.inner, self.move = inner, move

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Moved embeddings (p, e); no texts give (0, e)."""
        return self.move(self.inner.embed_texts(texts).cpu(), texts)


@dataclass(frozen=True, slots=True, eq=False)
class CaptionedPictures:
    """Captions with the embeddings of their pictures, to fit and measure a prior on."""

    captions: list[str]
    images: Tensor  # (n, e), row i belongs to `captions[i]`

    @classmethod
    def of(cls, embedder: Embedder, size: int, split: str, most: int) -> "CaptionedPictures":
        """Pairs from MNIST, with captions that include measured facts, as in a run."""
        source = open_source("mnist", split=split)
        pixels = load_pixels(source, size=size, channels=1)
        rows = torch.linspace(0, len(pixels.indices) - 1, min(most, len(pixels.indices))).long()
        found = captions_of(source, pixels.indices, rows.numpy(), pixels=pixels.array, most=most)
        x = to_float(torch.from_numpy(pixels.array[[row for row, _ in found]]))
        with torch.no_grad():
            images = torch.cat([embedder.embed_pixels(part).cpu() for part in x.split(256)])
        return cls([text for _, text in found], images)

    def texts(self, embedder: Embedder) -> Tensor:
        """Embeddings (n, e) of the captions."""
        return finish(embedded(embedder, self.captions))


def replanted(
    tti: TextToImage, move: Move, known: CaptionedPictures, held: CaptionedPictures
) -> tuple[TextToImage, Choice]:
    """The model as it would be if its embedder had always produced the moved texts.

    Args:
        tti: the model.
        move: the move of its texts.
        known: pairs to fit the prior on.
        held: held-out pairs to choose the bridge on.
    """
    moved = cast(Embedder, MovedTexts(tti.model.embedder, move))
    old = tti.model.conditioner
    with torch.no_grad():
        texts = moved.embed_texts(old.prompts)
    mean = texts.mean(0)
    radius = (texts - mean).square().sum(1).mean().sqrt().item()
    conditioner = Conditioner(
        old.mean_image,
        mean,
        old.radius_image,
        radius,
        old.covariance,
        old.bank,
        old.bank_keys,
        old.prompts,
        old.options,
        old.mode,
        Prior.fit(known.texts(moved), known.images),
    )
    model = replace(tti.model, conditioner=conditioner)
    model.__dict__["embedder"] = moved
    return TextToImage(model), choose(conditioner, held.texts(moved), held.images)
