"""Ridge regression between the principal components of two clouds, and the emphasis of details."""

import torch
from torch import Tensor

KEPT_VARIANCE = 0.95
"""Share of the variance that the principal components keep, for large embeddings."""

SMALL = 128
"""Largest embedding size at which all principal components are kept."""

STRENGTHS = tuple(10.0 ** (k / 4) for k in range(-24, 5))
"""Ridge strengths to choose from, in units of the largest squared singular value."""


def principal(centred: Tensor) -> Tensor:
    """Return the orthonormal principal axes (k, e) of a centred cloud (n, e), largest first.

    For e <= `SMALL` all axes with variance, otherwise as many as hold `KEPT_VARIANCE` of it.
    """
    s: Tensor
    axes: Tensor
    _, s, axes = torch.linalg.svd(centred, full_matrices=False)
    held = s.square().cumsum(0) / s.square().sum().clamp(min=1e-30)
    wanted = KEPT_VARIANCE if centred.shape[1] > SMALL else 1 - 1e-9
    return axes[: int((held < wanted).sum()) + 1]


def ridge(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Fit a ridge regression of centred y (n, m) on centred x (n, k).

    The strength is the one of least leave-one-out error; the mean is not shrunk.

    Returns:
        weights (k, m), and the exact leave-one-out errors (n, m) (Hastie, Tibshirani & Friedman
        2009, eq. 7.64).
    """
    u, s, vt = torch.linalg.svd(x, full_matrices=False)
    scale = s[0].square().clamp(min=1e-30)
    strengths = [scale * strength for strength in STRENGTHS]
    found = [(_left_out(u, s, y, strength), strength) for strength in strengths]
    errors, strength = min(found, key=lambda one: one[0].square().sum().item())
    return vt.T @ ((s / (s.square() + strength))[:, None] * (u.T @ y)), errors


def emphasised(weights: Tensor, y: Tensor, errors: Tensor, emphasis: float) -> Tensor:
    """Stretch what a regression (k, m) predicts along each canonical direction of its targets.

    A prediction of correlation r with its target has r times the target's standard deviation. It is
    divided by r ** emphasis, so that 1 gives it the whole: the map between canonical variates
    (Hotelling 1936) without the shrinkage of a conditional mean. Kinds that captions always name (r
    near 1) hardly change, details that they seldom name grow.

    Args:
        weights: (k, m) of the regression.
        y: (n, m) centred targets, uncorrelated, as principal components are.
        errors: (n, m) leave-one-out errors, so that chance is hardly taken for correlation.
        emphasis: in [0, 1].
    """
    deviation = y.square().mean(0).sqrt().clamp(min=1e-12)
    unexplained, axes = torch.linalg.eigh((errors / deviation).T @ (errors / deviation) / len(y))
    explained = 1 - unexplained  # r ** 2
    by_chance = 2 * len(y) ** -0.5  # more than random numbers show
    factor = torch.where(explained > by_chance, explained.abs() ** (-emphasis / 2), 1.0)
    stretched: Tensor = weights / deviation @ (axes * factor) @ axes.T * deviation
    return stretched


def _left_out(u: Tensor, s: Tensor, y: Tensor, strength: Tensor) -> Tensor:
    """Return the leave-one-out errors (n, m): (y - fit) / (1 - leverage)."""
    kept = s.square() / (s.square() + strength)
    leverage = 1 / len(y) + u.square() @ kept
    return (y - u @ (kept[:, None] * (u.T @ y))) / (1 - leverage).clamp(min=1e-9)[:, None]
