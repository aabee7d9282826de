"""Student's interval of a mean.

With a dozen values, the interval of the normal distribution would be too narrow. To compare two
settings on the same seeds, pass the differences, so that what the seeds share cancels.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """Means over the first dimension, with their intervals.

    Attributes:
        n: number of values behind each mean.
        mean: means, of any shape, float64; a single mean has the shape ().
        low: lower ends, of the same shape; -inf if n < 2.
        high: upper ends, of the same shape; inf if n < 2.
    """

    n: int
    mean: Tensor
    low: Tensor
    high: Tensor

    def __str__(self) -> str:
        """Return a single mean as text: 0.52 (0.41 to 0.63)."""
        return f"{float(self.mean):.2f} ({float(self.low):.2f} to {float(self.high):.2f})"

    def as_dict(self) -> dict[str, object]:
        """Return the JSON form; an infinite bound is None."""
        return {
            "n": self.n,
            "mean": _json(self.mean),
            "low": _json(self.low),
            "high": _json(self.high),
        }


def means(values: Tensor, level: float = 0.95) -> Means:
    """Return the mean of n values of any shape, with Student's interval.

    >>> found = means(torch.tensor([1.0, 2.0, 3.0]))
    >>> round(float(found.low), 3), round(float(found.high), 3)
    (-0.484, 4.484)

    Args:
        values: values (n, ...), independent along n.
        level: confidence level of the interval.

    Raises:
        UsageError: there are no values.
    """
    n = len(values)
    if n == 0:
        raise UsageError("there is no mean of no values")
    x = values.detach().cpu().double()
    mean = x.mean(0)
    if n < 2:
        return Means(n, mean, torch.full_like(mean, -math.inf), torch.full_like(mean, math.inf))
    half = student(n - 1, level) * x.std(0) / n**0.5
    return Means(n, mean, mean - half, mean + half)


def student(freedom: int, level: float = 0.95) -> float:
    """Return the t for which a share `level` of Student's distribution lies within -t and t.

    >>> round(student(10), 3)
    2.228

    Args:
        freedom: degrees of freedom, at least 1.
        level: the share, in (0, 1).
    """
    if freedom < 1 or not 0 < level < 1:
        raise UsageError(f"there is no quantile for {freedom} degrees of freedom at level {level}")
    low, high = 0.0, math.pi / 2
    for _ in range(60):  # bisect the angle, which is bounded, unlike t
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
