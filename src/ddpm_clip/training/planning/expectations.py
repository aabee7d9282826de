"""What pictures of earlier budgets gave, as measured: the rows of `budgets.yaml`.

A plan says the row that is nearest to it, or nothing where none is near. A row is added from a
result under `benchmarks/results/`, which it names; nothing else promises anything.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from ddpm_clip.utils.plain_yaml import parse_yaml

NEAR = 2.0
"""Largest ratio of pictures seen, and of sides, at which a row says something about a plan."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one training gave.

    Attributes:
        pictures_seen: steps times pictures per step.
        side: pixels of a side.
        pictures: number of different pictures.
        kind: what they show, such as "photographs of ten things".
        success: share of pictures that an independent judge reads as asked.
        n: number of pictures that were read.
        result: file under `benchmarks/results/` that it is taken from.
    """

    pictures_seen: int
    side: int
    pictures: int
    kind: str
    success: float
    n: int
    result: str

    def __str__(self) -> str:
        """Return the row as a sentence."""
        return (
            f"{self.pictures:,} pictures ({self.kind}) at {self.side} pixels, seen "
            f"{self.pictures_seen:,} times in all, gave {100 * self.success:.0f} % of prompts "
            f"painted as asked (n = {self.n:,}; {self.result})"
        )


def known_budgets() -> list[Budget]:
    """Return the measured rows."""
    text = resources.files(__package__).joinpath("budgets.yaml").read_text(encoding="utf-8")
    return [Budget(**row) for row in parse_yaml(text).get("budgets") or []]


def expected(pictures_seen: int, side: int, rows: Sequence[Budget]) -> Budget | None:
    """Return the row that is nearest to a plan; None if none is within `NEAR`."""

    def distance(row: Budget) -> float:
        return max(_ratio(row.pictures_seen, pictures_seen), _ratio(row.side, side))

    nearest = min(rows, key=distance, default=None)
    return None if nearest is None or distance(nearest) > NEAR else nearest


def _ratio(one: float, other: float) -> float:
    return math.exp(abs(math.log(max(one, 1)) - math.log(max(other, 1))))
