"""Ridge regression between the principal components of two clouds, and the emphasis of details."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, eq=False)
class Canonical:
    """What a regression predicts of its targets, direction by direction (Hotelling 1936).

    Attributes:
        axes: (m, m) maps centred targets to canonical variates: uncorrelated, of unit variance,
            and with uncorrelated errors.
        back: (m, m) the inverse of axes.
        explained: (m,) r ** 2 of each variate and its prediction, by leave-one-out errors.
        by_chance: the r ** 2 that random numbers hardly exceed.
    """

    axes: Tensor
    back: Tensor
    explained: Tensor
    by_chance: float

    @classmethod
    def of(cls, y: Tensor, errors: Tensor) -> "Canonical":
        """Find the variates of y (n, m), centred and uncorrelated, with these errors (n, m)."""
        deviation = y.square().mean(0).sqrt().clamp(min=1e-12)
        relative = errors / deviation
        unexplained, axes = torch.linalg.eigh(relative.T @ relative / len(y))
        to, back = axes / deviation[:, None], axes.T * deviation
        return cls(to, back, 1 - unexplained, 2 * len(y) ** -0.5)

    @property
    def known(self) -> Tensor:
        """(m,) bool: the variates of which words say more than chance would."""
        return self.explained > self.by_chance

    def emphasised(self, weights: Tensor, emphasis: float) -> Tensor:
        """Stretch what a regression (k, m) predicts along each direction that words know.

        A prediction of correlation r with its target has r times the target's standard deviation.
        It is divided by r ** emphasis, so that 1 gives it the whole: the map between canonical
        variates without the shrinkage of a conditional mean. Kinds that captions always name (r
        near 1) hardly change, details that they seldom name grow.

        Args:
            weights: (k, m) of the regression.
            emphasis: in [0, 1].
        """
        factor = torch.where(self.known, self.explained.abs() ** (-emphasis / 2), 1.0)
        stretched: Tensor = weights @ (self.axes * factor) @ self.back
        return stretched


def _left_out(u: Tensor, s: Tensor, y: Tensor, strength: Tensor) -> Tensor:
    """Return the leave-one-out errors (n, m): (y - fit) / (1 - leverage)."""
    kept = s.square() / (s.square() + strength)
    leverage = 1 / len(y) + u.square() @ kept
    return (y - u @ (kept[:, None] * (u.T @ y))) / (1 - leverage).clamp(min=1e-9)[:, None]
