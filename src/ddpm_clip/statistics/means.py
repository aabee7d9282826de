"""How sure a mean is, where the values are few.

Student's interval: with a dozen values the normal one would promise too much. Differences of the
same seeds are to be handed in as differences, so that what the seeds share falls out. Knows
nothing of what was measured.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """Means over the first dimension, and where they may lie.

    Attributes:
        n: values behind each.
        mean: of any shape, float64; a number has the shape ().
        low: of the same shape; -inf where fewer than two values were there.
        high: of the same shape; inf where fewer than two values were there.
    """

    n: int
    mean: Tensor
    low: Tensor
    high: Tensor

    def __str__(self) -> str:
        """A single mean as sentences have it: 0.52 (0.41 to 0.63)."""
        return f"{float(self.mean):.2f} ({float(self.low):.2f} to {float(self.high):.2f})"

    def as_dict(self) -> dict[str, object]:
        """The JSON form; a bound that is not known is None."""
        return {
            "n": self.n,
            "mean": _json(self.mean),
            "low": _json(self.low),
            "high": _json(self.high),
        }


def means(values: Tensor, level: float = 0.95) -> Means:
    """The mean of n values of any shape, with Student's interval.

    >>> found = means(torch.tensor([1.0, 2.0, 3.0]))
    >>> round(float(found.low), 3), round(float(found.high), 3)
    (-0.484, 4.484)

    Args:
        values: (n, ...), independent along n.
        level: of the interval.

    Raises:
        UsageError: there are none.
    """
    n = len(values)
    if n == 0:
        raise UsageError("a mean of no values")
    x = values.detach().cpu().double()
    mean = x.mean(0)
    if n < 2:
        return Means(n, mean, torch.full_like(mean, -math.inf), torch.full_like(mean, math.inf))
    half = student(n - 1, level) * x.std(0) / n**0.5
    return Means(n, mean, mean - half, mean + half)


def student(freedom: int, level: float = 0.95) -> float:
    """The t for which a share `level` of Student's distribution lies within -t and t.

    >>> round(student(10), 3)
    2.228

    Args:
        freedom: degrees, at least 1.
        level: in (0, 1).
    """
    if freedom < 1 or not 0 < level < 1:
        raise UsageError(f"no quantile of {freedom} degrees of freedom at {level}")
    low, high = 0.0, math.pi / 2
    for _ in range(60):  # halving the angle: it is bounded where t is not
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < level else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _within(angle: float, freedom: int) -> float:
    """P(|t| < sqrt(freedom) tan(angle)) (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= (k - 1) / k * cosine**2
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def _json(x: Tensor) -> object:
    def finite(value: object) -> object:
        if isinstance(value, list):
            return [finite(one) for one in value]
        assert isinstance(value, float)
        return round(value, 6) if math.isfinite(value) else None

    return finite(x.tolist())
