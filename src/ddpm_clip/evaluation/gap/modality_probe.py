"""Can a straight cut tell texts from pictures? Before and after each was centred.

Before the centring it can, always; after it, two clouds of unlike shape may still be told apart,
which the distance of their means does not show. Knows nothing of models.
"""

import torch
from torch import Tensor

FOLDS = 5
FEWEST = 50
"""Rows of each kind below which nothing is said."""

MOST = 4000
"""Rows of each kind that are used at most."""

STRENGTH = 1e-2
"""Ridge on the common covariance, in units of its mean variance."""


def probe_accuracy(
    images: Tensor, texts: Tensor, seed: int = 0
) -> tuple[float, float] | tuple[None, None]:
    """Held-out accuracy of Fisher's linear discriminant, as many texts as pictures.

    Args:
        images: (n, e) in float64.
        texts: (p, e).
        seed: of the folds. A text and its picture, where rows are pairs, share a fold.

    Returns:
        (as they are, each centred at its own mean): the means are those of the other folds, and
        the centred rows are brought back to unit length around the mean picture. None for few.
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
    """Held-out rows on their own side of the cut that the other rows give."""
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
    """n of the rows, evenly."""
    return rows[torch.linspace(0, len(rows) - 1, n, dtype=torch.float64).round().long()]
