"""Statistics of a cloud of unit embeddings: mean, covariance, radius, root of the covariance."""

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK = 4096
"""Number of embeddings in memory at a time."""


def moments(images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean (e,) and covariance (e, e) of the embeddings in `rows`, made unit length.

    Sums are in float64 and go chunk by chunk.
    """
    parts = torch.split(rows, CHUNK)
    total = torch.zeros(images.shape[1], dtype=torch.float64)
    for part in parts:
        total += F.normalize(images[part].float(), dim=1).double().sum(0)
    mean = (total / len(rows)).float()
    squares = torch.zeros(images.shape[1], images.shape[1], dtype=torch.float64)
    for part in parts:
        centred = F.normalize(images[part].float(), dim=1) - mean
        squares += centred.T @ centred
    return mean, squares / len(rows)


def evenly_spread(n: int, most: int) -> Tensor:
    """Return at most `most` of n row numbers, evenly spaced (float64 is exact above 2^24)."""
    return torch.linspace(0, n - 1, min(most, n), dtype=torch.float64).round().long()


def rms_radius(centred: Tensor) -> float:
    """Return the RMS distance of centred rows (n, e) from their mean."""
    return centred.square().sum(1).mean().sqrt().item()


def noise_root(covariance: Tensor) -> Tensor:
    """Return the symmetric root of d S / tr S; zero where all images are the same."""
    values, vectors = torch.linalg.eigh(covariance.double())
    values = values.clamp(min=0)
    values = values * len(values) / values.sum().clamp(min=1e-12)
    root: Tensor = (vectors * values.sqrt()) @ vectors.T
    return root.float()
