"""Where a falling curve is halfway, and how sure that is.

Each repetition (a seed, a picture) has a value at every level; the mean over them is made to fall
monotonically by the nearest curve that does (isotonic regression), and drawing repetitions again
gives the interval. Knows nothing of what falls.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError

DRAWS = 400


@dataclass(frozen=True, slots=True)
class Halfway:
    """The level at which a curve crosses one half.

    Attributes:
        at: the level; inf where the curve stays above everywhere, -inf where it stays below.
        low, high: bounds of 95 % of the draws.
        n: repetitions.
    """

    at: float
    low: float
    high: float
    n: int

    @property
    def inside(self) -> bool:
        """Does the curve cross within the levels, interval included?"""
        return all(math.isfinite(x) for x in (self.at, self.low, self.high))

    def as_dict(self) -> dict[str, Any]:
        """The JSON form; what lies outside is None."""
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
    """Where the mean of `values` falls through `half`, interpolated in the logarithm of the level.

    Args:
        levels: (k,) above 0 and rising.
        values: (n, k) one row a repetition.
        half: the height.
        draws: of the interval.
        seed: of the draws.
    """
    n, k = values.shape
    if n < 1 or k < 2 or len(levels) != k or not bool((levels.diff() > 0).all()):
        raise UsageError(f"no curve of {n} repetitions at {k} levels", "levels have to rise")
    x, values = levels.double().log(), values.detach().cpu().double()
    generator = torch.Generator().manual_seed(seed)
    again = torch.randint(n, (draws, n), generator=generator)
    curves = torch.cat([values.mean(0)[None], values[again].mean(1)])
    at = _crossing(x, falling(curves), half)
    rest = at[1:].sort().values  # by rank, since a quantile cannot be taken between infinities
    low, high = rest[math.floor(0.025 * (draws - 1))], rest[math.ceil(0.975 * (draws - 1))]
    return Halfway(
        at[0].exp().item() if at[0] > -math.inf else -math.inf,
        low.exp().item() if low > -math.inf else -math.inf,
        high.exp().item() if high > -math.inf else -math.inf,
        n,
    )


def falling(curves: Tensor) -> Tensor:
    """(d, k) the nearest curves that nowhere rise, by the min-max formula.

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
    """(d,) where falling curves (d, k) go through `half`, linear between levels."""
    above = curves > half
    last = above.sum(1) - 1  # the curves fall, so those above come first
    inner = last.clamp(0, curves.shape[1] - 2)
    y0, y1 = (curves.gather(1, (inner + i)[:, None])[:, 0] for i in (0, 1))
    share = ((y0 - half) / (y0 - y1).clamp(min=1e-12)).clamp(0, 1)
    at = x[inner] + share * (x[inner + 1] - x[inner])
    at = torch.where(last < 0, -math.inf, at)
    return torch.where(last == curves.shape[1] - 1, math.inf, at)
