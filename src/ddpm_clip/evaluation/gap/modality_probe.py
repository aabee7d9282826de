"""A linear probe that separates texts from pictures, before and after centring each cloud.

Before centring it always succeeds; after it, two clouds of different shape may still be separable,
which the distance of their means does not show.
"""

import torch
from torch import Tensor

FOLDS = 5
FEWEST = 50
"""Smallest number of rows of each kind for a probe."""

MOST = 4000
"""Largest number of rows of each kind that are used."""

STRENGTH = 1e-2
"""Ridge of the common covariance, in units of its mean variance."""


def probe_accuracy(
    images: Tensor, texts: Tensor, seed: int = 0
) -> tuple[float, float] | tuple[None, None]:
    """Return the held-out accuracy of Fisher's linear discriminant, with equal numbers of each.

    Args:
        images: (n, e) image embeddings in float64.
        texts: (p, e) text embeddings in float64.
        seed: random seed of the folds; if rows are pairs, a text and its picture share a fold.

    Returns:
        (accuracy as they are, accuracy after centring). For the latter, texts are moved by the
        difference of the means of the training folds and brought back to unit length. (None,
        None) if there are too few rows.
    """
    n = min(len(images), len(texts), MOST)
    if n < FEWEST:
        return None, None
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    images, texts = _spread(images, n)[order], _spread(texts, n)[order]
    right = [0.0, 0.0]
    for fold in range(FOLDS):
        held = torch.arange(n) % FOLDS == fold
        mean_image, mean_text = images[~held].mean(0), texts[~held].mean(0)
        moved = torch.nn.functional.normalize(texts - mean_text + mean_image, dim=1)
        for i, side in enumerate((texts, moved)):
            right[i] += _right(images, side, held)
    return right[0] / (2 * n), right[1] / (2 * n)


def _right(a: Tensor, b: Tensor, held: Tensor) -> float:
    """Return the number of held-out rows classified correctly by a fit on the other rows."""
    mean_a, mean_b = a[~held].mean(0), b[~held].mean(0)
    centred = torch.cat([a[~held] - mean_a, b[~held] - mean_b])
    common = centred.T @ centred / len(centred)
    ridge = STRENGTH * common.trace() / len(common) + 1e-12
    normal = torch.linalg.solve(
        common + ridge * torch.eye(len(common), dtype=a.dtype), mean_a - mean_b
    )
    cut = normal @ (mean_a + mean_b) / 2
    return float(((a[held] @ normal > cut).sum() + (b[held] @ normal < cut).sum()).item())


def _spread(rows: Tensor, n: int) -> Tensor:
    """Return n evenly spaced rows."""
    return rows[torch.linspace(0, len(rows) - 1, n, dtype=torch.float64).round().long()]
