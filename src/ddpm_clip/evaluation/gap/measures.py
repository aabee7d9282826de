"""The modality gap in numbers: how far the texts lie from the pictures, and in which way.

Figures of two clouds of embeddings (Liang et al. 2022; Zhang et al. 2024). Knows nothing of
models, files or drawing.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.gap.modality_probe import probe_accuracy

TOP = 5
"""Coordinates of the gap that are named."""


@dataclass(frozen=True, slots=True)
class GapReport:
    """Two clouds of unit embeddings beside each other; without pairs their figures are None.

    Attributes:
        images, texts: how many.
        dim: e.
        distance: of the two means, 0 to 2.
        share: of the gap in the mean squared distance of a text and its picture, 0 to 1.
        paired_cosine: mean of a text and its own picture.
        unpaired_cosine, image_cosine, text_cosine: mean over different rows: a text and
            another's picture, two pictures, two texts.
        centred_cosine: as `paired_cosine`, each cloud centred at its own mean.
        radius_ratio: rms distance of the texts from their mean, over that of the pictures.
        image_dimensions, text_dimensions: participation ratio of each cloud.
        top: (coordinate, share of the squared gap), the largest first.
        probe: held-out accuracy of a linear probe that tells texts from pictures; chance is .5.
        probe_after: the same after each cloud was centred at its own mean.
    """

    images: int
    texts: int
    dim: int
    distance: float
    share: float | None
    paired_cosine: float | None
    unpaired_cosine: float
    image_cosine: float
    text_cosine: float
    centred_cosine: float | None
    radius_ratio: float
    image_dimensions: float
    text_dimensions: float
    top: tuple[tuple[int, float], ...]
    probe: float | None
    probe_after: float | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measure_gap(images: Tensor, texts: Tensor, *, paired: bool) -> GapReport:
    """Measure two clouds of embeddings, (n, e) and (p, e).

    Args:
        images: of any length but 0.
        texts: with `paired`, row i says what picture i shows.
        paired: whether it does.

    Raises:
        DataError: fewer than two of either, another size, or as pairs another number.
    """
    if min(len(images), len(texts)) < 2 or images.shape[1] != texts.shape[1]:
        raise DataError(
            f"{tuple(images.shape)} image and {tuple(texts.shape)} text embeddings are no two "
            "clouds",
            "it takes two rows of each, and one embedder",
        )
    if paired and len(images) != len(texts):
        raise DataError(f"{len(images)} images and {len(texts)} texts are no pairs")
    images, texts = (F.normalize(e.double(), dim=1) for e in (images, texts))
    mean_image, mean_text = images.mean(0), texts.mean(0)
    gap, i, t = mean_image - mean_text, images - mean_image, texts - mean_text
    squared = (images - texts).square().sum(1).mean() if paired else None
    cross = (images * texts).sum(1) if paired else None
    before, after = probe_accuracy(images, texts)
    return GapReport(
        images=len(images),
        texts=len(texts),
        dim=images.shape[1],
        distance=gap.norm().item(),
        share=None if squared is None else (gap.square().sum() / squared).item(),
        paired_cosine=None if cross is None else cross.mean().item(),
        unpaired_cosine=_between(mean_image, mean_text, len(images), cross),
        image_cosine=_within(images),
        text_cosine=_within(texts),
        centred_cosine=F.cosine_similarity(i, t).mean().item() if paired else None,
        radius_ratio=(_rms(t) / _rms(i).clamp(min=1e-12)).item(),
        image_dimensions=participation_ratio(i),
        text_dimensions=participation_ratio(t),
        top=top_coordinates(gap),
        probe=before,
        probe_after=after,
    )


def participation_ratio(centred: Tensor) -> float:
    """The effective dimension (sum of variances)^2 / sum of their squares, along principal axes.

    It is k for a cloud that varies alike in k directions; 0 where all rows (n, e) are one.
    """
    squares = torch.linalg.svdvals(centred).square()
    total = squares.sum()
    return (total.square() / squares.square().sum()).item() if total > 1e-12 else 0.0


def top_coordinates(gap: Tensor, most: int = TOP) -> tuple[tuple[int, float], ...]:
    """The coordinates of the gap (e,) that carry most of its square: (coordinate, share)."""
    shares = gap.square() / gap.square().sum().clamp(min=1e-30)
    found = shares.topk(min(most, len(gap)))
    return tuple(zip(found.indices.tolist(), found.values.tolist(), strict=True))


def _between(mean_image: Tensor, mean_text: Tensor, n: int, cross: Tensor | None) -> float:
    """Mean cosine of a text and a picture; where pairs are known, of the others only."""
    every = (mean_image @ mean_text).item()
    return every if cross is None else (n * every - cross.mean().item()) / (n - 1)


def _within(units: Tensor) -> float:
    """Mean cosine of two different rows."""
    n = len(units)
    return ((n * units.mean(0).square().sum().item()) - 1) / (n - 1)


def _rms(centred: Tensor) -> Tensor:
    return centred.square().sum(1).mean().sqrt()
