"""A gap of known size between words and pictures, planted under a model that knows none of it.

The texts of an embedder are moved as one, and what a run measures of texts is measured again on
the moved ones: their mean and radius, the prior, the bridge of its own choice. The network, the
pictures' statistics and the bank stay. Knows nothing of painting and judging.
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
"""Of the gap of CLIP ViT-B on pairs of COCO: its cosine with the mean picture (-0.597), and the
variance of pictures along it, in mean variances of a coordinate (2.52)."""

DIRECTIONS = 2000

ROUNDS, CLOSE = 500, 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """Unit rows moved by an offset, with noise of their own, and brought back to unit length."""

    offset: Tensor  # (e,)
    noise: float = 0.0  # a coordinate

    def __call__(self, e: Tensor, texts: Sequence[str]) -> Tensor:
        """(p, e) of unit rows (p, e); the same text always gets the same noise."""
        return F.normalize(e + self.offset + noise_of(texts, e.shape[1], self.noise), dim=1)


def noise_of(texts: Sequence[str], dim: int, std: float) -> Tensor:
    """(p, dim) normal noise, by the text alone."""
    rows = []
    for text in texts:
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
        rows.append(torch.randn(dim, generator=torch.Generator().manual_seed(seed)))
    return std * torch.stack(rows) if rows else torch.empty(0, dim)


def move_to(mean: Tensor, e: Tensor, texts: Sequence[str], noise: float = 0.0) -> Move:
    """The move after which unit rows (p, e) of `texts` have this mean (e,), shorter than 1.

    Raises:
        DataError: no offset does it.
    """
    offset = mean - e.mean(0)
    for _ in range(ROUNDS):
        missing = mean - Move(offset, noise)(e, texts).mean(0)
        if missing.norm() < CLOSE:
            return Move(offset, noise)
        offset = offset + missing
    raise DataError(f"no offset moves {len(e)} texts to a mean of length {mean.norm():.2f}")


def place_of_gap(conditioner: Conditioner, distance: float) -> Tensor:
    """(e,) a mean of texts so far from that of the pictures, in a direction as a real CLIP's.

    Of directions by lot that are turned away from the mean picture as far as that one, the one
    along which pictures vary most nearly as much: where they hardly vary, a network has not
    learned to look, and a gap would harm less than it does.
    """
    middle, covariance = conditioner.mean_image, conditioner.covariance
    towards = F.normalize(middle, dim=0)
    lots = torch.randn(DIRECTIONS, len(middle), generator=torch.Generator().manual_seed(0))
    across = F.normalize(lots - (lots @ towards)[:, None] * towards, dim=1)
    gaps = TURNED_AWAY * towards + math.sqrt(1 - TURNED_AWAY**2) * across  # (lots, e)
    return middle + distance * gaps[(loudness(gaps, covariance) - LOUDNESS).abs().argmin()]


def loudness(directions: Tensor, covariance: Tensor) -> Tensor:
    """(n,) variance along unit directions (n, e), in mean variances of a coordinate."""
    along = ((directions @ covariance) * directions).sum(1)
    return along / covariance.diagonal().mean()


class MovedTexts:
    """An embedder whose texts lie elsewhere; all else is the other's."""

    def __init__(self, inner: Embedder, move: Move):
        self.inner, self.move = inner, move

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """(p, e); no texts give (0, e)."""
        return self.move(self.inner.embed_texts(texts).cpu(), texts)


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Pictures and a caption of each, by the words: what a prior is fitted and measured on."""

    captions: list[str]
    images: Tensor  # (n, e), row i belongs to `captions[i]`

    @classmethod
    def of(cls, embedder: Embedder, size: int, split: str, most: int) -> "Told":
        """Of MNIST, with captions that say what can be measured, as a run has them."""
        source = open_source("mnist", split=split)
        pixels = load_pixels(source, size=size, channels=1)
        rows = torch.linspace(0, len(pixels.indices) - 1, min(most, len(pixels.indices))).long()
        found = captions_of(source, pixels.indices, rows.numpy(), pixels=pixels.array, most=most)
        x = to_float(torch.from_numpy(pixels.array[[row for row, _ in found]]))
        with torch.no_grad():
            images = torch.cat([embedder.embed_pixels(part).cpu() for part in x.split(256)])
        return cls([text for _, text in found], images)

    def texts(self, embedder: Embedder) -> Tensor:
        """(n, e) of the captions."""
        return finish(embedded(embedder, self.captions))


def replanted(tti: TextToImage, move: Move, known: Told, held: Told) -> tuple[TextToImage, Choice]:
    """The model as it would be, had its embedder always put texts there.

    Args:
        tti: the model.
        move: of its texts.
        known: pairs that the prior is fitted on.
        held: pairs that the bridge is chosen on, none of them trained on.
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
