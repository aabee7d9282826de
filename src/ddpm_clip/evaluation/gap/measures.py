"""Figures of the modality gap between two clouds of embeddings.

After Liang et al. 2022 and Zhang et al. 2024.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.gap.modality_probe import probe_accuracy

TOP = 5
"""Number of coordinates of the gap that are listed."""


@dataclass(frozen=True, slots=True)
class GapReport:
    """Figures of two clouds of unit embeddings; those that need pairs are None without them.

    Attributes:
        images, texts: number of embeddings.
        dim: size of an embedding.
        distance: distance between the two means, 0 to 2.
        share: share of the gap in the mean squared distance of a text and its picture, 0 to 1.
        paired_cosine: mean cosine of a text and its own picture.
        unpaired_cosine, image_cosine, text_cosine: mean cosine of a text and the picture of
            another, of two pictures, of two texts.
        centred_cosine: as `paired_cosine`, after centring each cloud at its own mean.
        radius_ratio: RMS distance of the texts from their mean, divided by that of the pictures.
        image_dimensions, text_dimensions: participation ratio of each cloud.
        top: (coordinate, share of the squared gap), the largest first.
        probe: held-out accuracy of a linear probe that separates texts from pictures; chance is .5.
        probe_after: the same after centring each cloud at its own mean.
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
        """Return the figures as a dict for JSON."""
        return asdict(self)


def measure_gap(images: Tensor, texts: Tensor, *, paired: bool) -> GapReport:
    """Measure the gap between two clouds of embeddings.

    Args:
        images: (n, e) image embeddings of any length but 0.
        texts: (p, e) text embeddings.
        paired: whether text i belongs to image i.

    Raises:
        DataError: there are fewer than two of either, their sizes differ, or `paired` and their
            numbers differ.
    """
    if min(len(images), len(texts)) < 2 or images.shape[1] != texts.shape[1]:
        raise DataError(
            f"cannot compare image embeddings {tuple(images.shape)} with text embeddings "
            f"{tuple(texts.shape)}",
            "at least two rows of each are needed, from the same embedder",
        )
    if paired and len(images) != len(texts):
        raise DataError(f"{len(images)} images and {len(texts)} texts do not form pairs")
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
    """Return the effective dimension (sum of variances)^2 / (sum of squared variances).

    The variances are those along the principal axes of centred rows (n, e). It is k for a cloud
    that varies equally in k directions, 0 if all rows are the same.
    """
    squares = torch.linalg.svdvals(centred).square()
    total = squares.sum()
    return (total.square() / squares.square().sum()).item() if total > 1e-12 else 0.0


def top_coordinates(gap: Tensor, most: int = TOP) -> tuple[tuple[int, float], ...]:
    """Return the largest coordinates of the gap (e,): (coordinate, share of its square)."""
    shares = gap.square() / gap.square().sum().clamp(min=1e-30)
    found = shares.topk(min(most, len(gap)))
    return tuple(zip(found.indices.tolist(), found.values.tolist(), strict=True))


def _between(mean_image: Tensor, mean_text: Tensor, n: int, cross: Tensor | None) -> float:
    """Return the mean cosine of a text and a picture, without the pairs if they are known."""
    every = (mean_image @ mean_text).item()
    return every if cross is None else (n * every - cross.mean().item()) / (n - 1)


def _within(units: Tensor) -> float:
    """Return the mean cosine of two different rows."""
    n = len(units)
    return ((n * units.mean(0).square().sum().item()) - 1) / (n - 1)


def _rms(centred: Tensor) -> Tensor:
    return centred.square().sum(1).mean().sqrt()
