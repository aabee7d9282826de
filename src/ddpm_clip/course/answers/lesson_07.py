"""Reference answers of lesson 07."""

from torch import Tensor


def z_against(value: float, null: Tensor) -> float:
    """Return the standard deviations by which the value is above the null."""
    return float((value - null.mean()) / null.std())


def verdict(low: float, high: float, bar: float) -> str:
    """Return "pass", "fail" or "inconclusive"."""
    if low > bar:
        return "pass"
    if high <= bar:
        return "fail"
    return "inconclusive"
