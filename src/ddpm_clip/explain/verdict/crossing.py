"""Where a falling curve crosses one half, with an interval.

Each repetition (a seed, a picture) has a value at every level. Their mean is replaced by the
nearest curve that never rises (isotonic regression), and the interval comes from resampling the
repetitions.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError

DRAWS = 400
"""Resamples behind an interval."""


@dataclass(frozen=True, slots=True)
class Halfway:
    """The level at which a curve crosses one half.

    Attributes:
        at: the level; inf if the curve stays above one half everywhere, -inf if it stays below.
        low, high: bounds of the 95 % interval.
        n: number of repetitions.
    """

    at: float
    low: float
    high: float
    n: int

    @property
    def inside(self) -> bool:
        """Whether the curve crosses within the range of levels, interval included."""
        return all(math.isfinite(x) for x in (self.at, self.low, self.high))

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form; infinite values become null."""
        return {
            "at": self.at,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "inside": self.inside,
        }


def halfway(
    levels: Tensor, values: Tensor, half: float = 0.5, *, draws: int = DRAWS, seed: int = 0
) -> Halfway:
    """Return where the mean of `values` falls through `half`, interpolated in the log of the level.

    Args:
        levels: (k,) positive levels in rising order.
        values: (n, k) one row per repetition.
        half: the height that the curve has to cross.
        draws: number of resamples for the interval.
        seed: random seed of the resampling.

    Raises:
        UsageError: no repetition, fewer than two levels, or levels that do not rise.
    """
    n, k = values.shape
    if n < 1 or k < 2 or len(levels) != k or not bool((levels.diff() > 0).all()):
        raise UsageError(
            f"cannot find a crossing in {n} repetitions at {k} levels",
            "it takes a repetition and two levels at least, and levels have to rise",
        )
    x, values = levels.double().log(), values.detach().cpu().double()
    generator = torch.Generator().manual_seed(seed)
    again = torch.randint(n, (draws, n), generator=generator)
    curves = torch.cat([values.mean(0)[None], values[again].mean(1)])
    at = _crossing(x, falling(curves), half)
    rest = at[1:].sort().values  # by rank: a quantile cannot be interpolated between infinities
    low, high = rest[math.floor(0.025 * (draws - 1))], rest[math.ceil(0.975 * (draws - 1))]
    return Halfway(
        at[0].exp().item() if at[0] > -math.inf else -math.inf,
        low.exp().item() if low > -math.inf else -math.inf,
        high.exp().item() if high > -math.inf else -math.inf,
        n,
    )


def falling(curves: Tensor) -> Tensor:
    """Return (d, k) the nearest curves that never rise, by the min-max formula.

    Robertson, Wright & Dykstra 1988, section 1.4: g_i = min over j <= i of max over l >= i of the
    mean of y_j to y_l.
    """
    d, k = curves.shape
    sums = torch.cat([torch.zeros(d, 1, dtype=curves.dtype), curves.cumsum(1)], 1)
    at = torch.arange(k)
    count = (at[None, :] - at[:, None] + 1).clamp(min=1)
    means = (sums[:, None, 1:] - sums[:, :-1, None]) / count  # (d, from j, to l)
    means = means.masked_fill(at[None, :] < at[:, None], -math.inf)
    most = means.flip(2).cummax(2).values.flip(2)  # (d, j, i): max over l >= i
    most = most.masked_fill(at[:, None] > at[None, :], math.inf)
    return most.amin(1)


def _crossing(x: Tensor, curves: Tensor, half: float) -> Tensor:
    """Return (d,) where falling curves (d, k) cross `half`, linear between levels."""
    above = curves > half
    last = above.sum(1) - 1  # the curves fall, so the values above `half` come first
    inner = last.clamp(0, curves.shape[1] - 2)
    y0, y1 = (curves.gather(1, (inner + i)[:, None])[:, 0] for i in (0, 1))
    share = ((y0 - half) / (y0 - y1).clamp(min=1e-12)).clamp(0, 1)
    at = x[inner] + share * (x[inner + 1] - x[inner])
    at = torch.where(last < 0, -math.inf, at)
    return torch.where(last == curves.shape[1] - 1, math.inf, at)
