"""Logistic regression between two sets of vectors.

It is fitted by Newton's method, without randomness; its threshold comes from cross-validation.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.errors import DataError

FOLDS = 4
ROUNDS = 50
RIDGE = 0.3
"""L2 penalty on the slopes of standardised features, relative to the log-likelihood of one row."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Maps rows (n, f) to the log-odds of belonging inside.

    Attributes:
        mean: Mean (f,) of the rows it was fitted on.
        scale: Standard deviation (f,) of these rows.
        slopes: Slopes (f,) for standardised features.
        offset: Log-odds at the mean.
    """

    mean: Tensor
    scale: Tensor
    slopes: Tensor
    offset: float

    @classmethod
    def fit(cls, inside: Tensor, outside: Tensor) -> "Probe":
        """Fit by Newton's method on the penalised likelihood; both sets have equal weight.

        Args:
            inside: Rows (n, f) that belong inside.
            outside: Rows (m, f) that do not.

        Raises:
            DataError: One of them is empty.
        """
        if not len(inside) or not len(outside):
            raise DataError("a probe needs rows both inside and outside")
        x = torch.cat([inside, outside]).double()
        mean, scale = x.mean(0), x.std(0, correction=0).clamp(min=1e-6)
        rows = torch.cat([(x - mean) / scale, torch.ones(len(x), 1, dtype=x.dtype)], 1)
        wanted = torch.cat([torch.ones(len(inside)), torch.zeros(len(outside))]).double()
        share = torch.where(wanted > 0, 1 / len(inside), 1 / len(outside)) * len(x) / 2
        solved = _solved(rows, wanted, share)
        return cls(mean, scale, solved[:-1], solved[-1].item())

    def __call__(self, rows: Tensor) -> Tensor:
        """Return the log-odds (n,) of rows (n, f)."""
        return ((rows.double() - self.mean) / self.scale) @ self.slopes + self.offset


def unseen(inside: Tensor, outside: Tensor, folds: int = FOLDS) -> tuple[Tensor, Tensor]:
    """Return the cross-validated log-odds of every row, by a probe fitted without it.

    Folds are contiguous: neighbours in a list are often similar, and similar rows should be left
    out together.

    Args:
        inside: Rows (n, f) that belong inside.
        outside: Rows (m, f) that do not.
        folds: Number of folds.

    Returns:
        The log-odds (n,) of `inside` and (m,) of `outside`.
    """
    near, far = _stretches(len(inside), folds), _stretches(len(outside), folds)
    log_odds = torch.empty(len(inside)), torch.empty(len(outside))
    for fold in range(folds):
        probe = Probe.fit(inside[near != fold], outside[far != fold])
        log_odds[0][near == fold] = probe(inside[near == fold]).float()
        log_odds[1][far == fold] = probe(outside[far == fold]).float()
    return log_odds


def even_threshold(inside: Tensor, outside: Tensor) -> float:
    """Return the threshold with equal error rates of `inside` (n,) below and `outside` (m,) above.

    If the two do not overlap, it is the middle of the gap.
    """
    values = torch.cat([inside, outside]).sort().values.double()
    middles = (values[1:] + values[:-1]) / 2
    below = torch.searchsorted(inside.double().sort().values, middles) / len(inside)
    above = 1 - torch.searchsorted(outside.double().sort().values, middles) / len(outside)
    worst = torch.maximum(below, above)
    best = (worst == worst.min()).nonzero()[:, 0]
    return middles[best[len(best) // 2]].item()


def _solved(rows: Tensor, wanted: Tensor, share: Tensor) -> Tensor:
    """Return slopes and offset (f + 1,); the penalty makes the Hessian positive definite."""
    penalty = torch.full((rows.shape[1],), RIDGE, dtype=rows.dtype)
    penalty[-1] = 1e-6  # practically no penalty on the offset
    at = torch.zeros(rows.shape[1], dtype=rows.dtype)
    for _ in range(ROUNDS):
        p = torch.sigmoid(rows @ at)
        slope = rows.T @ (share * (p - wanted)) + penalty * at
        bend = (rows.T * (share * p * (1 - p)).clamp(min=1e-9)) @ rows + penalty.diag()
        step = torch.linalg.solve(bend, slope)
        at = at - step * min(1.0, 10.0 / step.norm().item()) if step.norm() > 0 else at
        if step.norm() < 1e-9:
            break
    return at


def _stretches(n: int, folds: int) -> Tensor:
    """Return the number of the contiguous fold (n,) of each row."""
    return torch.arange(n) * folds // max(n, 1)
