"""Reference answers of lesson 08."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor


def rate(step: int, total: int, lr: float, warmup: int, decay: float, final: float) -> float:
    """Return the learning rate of a step, counted from 1."""
    up = min(1.0, step / warmup)
    left = (total - step) / (decay * total)
    down = 1.0 if left >= 1 else final + (1 - final) * left
    return lr * min(up, down)


def average(old: Tensor, new: Tensor, k: int, gamma: float) -> Tensor:
    """Return the average after update k."""
    beta = (1 - 1 / k) ** (gamma + 1)
    return beta * old + (1 - beta) * new


def paired(
    pictures: Sequence[tuple[str, Any]], rows: Sequence[tuple[str, Any]]
) -> list[tuple[Any, Any]]:
    """Return the pairs (picture, row) with equal keys."""
    by_key = dict(rows)
    return [(picture, by_key[key]) for key, picture in pictures if key in by_key]
