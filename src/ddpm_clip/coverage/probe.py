"""A line between two clouds of rows, and how far off it a new row lies.

Logistic regression, fitted exactly and without a draw; its threshold comes from rows that the fit
did not see. Knows nothing of what the rows are.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.errors import DataError

FOLDS = 4
ROUNDS = 50
RIDGE = 0.3
"""Weight of the squared slopes against one log-likelihood a row, rows being standardised."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """From rows (n, f) to log-odds of belonging inside.

    Attributes:
        mean: (f,) of the rows that it was fitted on.
        scale: (f,) what a row's distance from the mean is divided by.
        slopes: (f,).
        offset: log-odds at the mean.
    """

    mean: Tensor
    scale: Tensor
    slopes: Tensor
    offset: float

    @classmethod
    def fit(cls, inside: Tensor, outside: Tensor) -> "Probe":
        """Newton's method on the penalised likelihood, both clouds of equal weight.

        Args:
            inside: (n, f) rows that belong.
            outside: (m, f) rows that do not.

        Raises:
            DataError: one of them is empty.
        """
        if not len(inside) or not len(outside):
            raise DataError("a line between two clouds needs rows on both sides")
        x = torch.cat([inside, outside]).double()
        mean, scale = x.mean(0), x.std(0, correction=0).clamp(min=1e-6)
        rows = torch.cat([(x - mean) / scale, torch.ones(len(x), 1, dtype=x.dtype)], 1)
        wanted = torch.cat([torch.ones(len(inside)), torch.zeros(len(outside))]).double()
        share = torch.where(wanted > 0, 1 / len(inside), 1 / len(outside)) * len(x) / 2
        solved = _solved(rows, wanted, share)
        return cls(mean, scale, solved[:-1], solved[-1].item())

    def __call__(self, rows: Tensor) -> Tensor:
        """(n,) log-odds of rows (n, f)."""
        return ((rows.double() - self.mean) / self.scale) @ self.slopes + self.offset


def unseen(inside: Tensor, outside: Tensor, folds: int = FOLDS) -> tuple[Tensor, Tensor]:
    """Log-odds of every row by a probe that was fitted without it.

    Rows are cut into stretches, not dealt: what stands together in a list is often alike, and
    what is alike should be left out together.

    Args:
        inside: (n, f).
        outside: (m, f).
        folds: how often a probe is fitted.

    Returns:
        ((n,), (m,)).
    """
    near, far = _stretches(len(inside), folds), _stretches(len(outside), folds)
    log_odds = torch.empty(len(inside)), torch.empty(len(outside))
    for fold in range(folds):
        probe = Probe.fit(inside[near != fold], outside[far != fold])
        log_odds[0][near == fold] = probe(inside[near == fold]).float()
        log_odds[1][far == fold] = probe(outside[far == fold]).float()
    return log_odds


def even_threshold(inside: Tensor, outside: Tensor) -> float:
    """Where as large a share of `inside` (n,) lies below as of `outside` (m,) above.

    Where nothing overlaps, the middle of the empty stretch.
    """
    values = torch.cat([inside, outside]).sort().values.double()
    middles = (values[1:] + values[:-1]) / 2
    below = torch.searchsorted(inside.double().sort().values, middles) / len(inside)
    above = 1 - torch.searchsorted(outside.double().sort().values, middles) / len(outside)
    worst = torch.maximum(below, above)
    best = (worst == worst.min()).nonzero()[:, 0]
    return middles[best[len(best) // 2]].item()


def _solved(rows: Tensor, wanted: Tensor, share: Tensor) -> Tensor:
    """(f + 1,) slopes and offset; the ridge makes the Hessian definite, so the steps arrive."""
    penalty = torch.full((rows.shape[1],), RIDGE, dtype=rows.dtype)
    penalty[-1] = 1e-6  # the offset is free
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
    """(n,) the number of the stretch that each row is in."""
    return torch.arange(n) * folds // max(n, 1)
