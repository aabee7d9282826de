"""Diversity: distances between the pictures of one prompt, relative to real ones of the class.

A model that paints the same good picture over and over passes many tests but fails this one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.features import paired
from ddpm_clip.evaluation.metrics.neighbours import distance_blocks


@dataclass(frozen=True, slots=True)
class GroupSpread:
    """Mean distance between two pictures of a group, painted and real."""

    n: int
    painted: float
    real_n: int
    real: float

    @property
    def ratio(self) -> float:
        """1 if they differ as much as real ones, 0 if all are the same picture."""
        return self.painted / self.real if self.real else float("nan")


@dataclass(frozen=True, slots=True)
class Diversity:
    """The spread of every group that has two painted and two real pictures."""

    groups: dict[str, GroupSpread]

    @property
    def ratio(self) -> float:
        """Ratio of the mean spreads, with equal weight for every group."""
        real = sum(one.real for one in self.groups.values())
        return sum(one.painted for one in self.groups.values()) / real if real else float("nan")

    @property
    def least(self) -> str:
        """The group with the smallest ratio."""
        return min(self.groups, key=lambda name: self.groups[name].ratio)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form; a ratio is null if all real pictures are the same."""
        groups = {
            name: {
                "n": one.n,
                "painted": one.painted,
                "real_n": one.real_n,
                "real": one.real,
                "ratio": _json(one.ratio),
            }
            for name, one in self.groups.items()
        }
        return {"ratio": _json(self.ratio), "least": self.least, "groups": groups}


def diversity(
    painted: Tensor, painted_groups: Sequence[str], real: Tensor, real_groups: Sequence[str]
) -> Diversity:
    """Return the mean pairwise distances within groups; unbiased, so group sizes may differ.

    Args:
        painted: (n, d) features of painted pictures.
        painted_groups: group of each painted picture, such as the class that its prompt asks for.
        real: (m, d) features of real pictures.
        real_groups: group of each real picture.

    Raises:
        UsageError: shapes do not match, groups are missing, or no group has two pictures in both
            sets.
        DataError: features are not finite.
    """
    painted, real = paired(painted, real)
    if len(painted) != len(painted_groups) or len(real) != len(real_groups):
        raise UsageError(
            f"{len(painted)} and {len(real)} rows with {len(painted_groups)} and "
            f"{len(real_groups)} groups",
            "each row needs a group",
        )
    ours, theirs = _by_group(painted_groups), _by_group(real_groups)
    groups = {
        name: GroupSpread(
            len(rows),
            mean_distance(painted[rows]),
            len(theirs[name]),
            mean_distance(real[theirs[name]]),
        )
        for name, rows in ours.items()
        if len(rows) > 1 and len(theirs.get(name, [])) > 1
    }
    if not groups:
        raise UsageError(
            "no group has two painted and two real pictures",
            "a distance needs two pictures",
            "paint more pictures per prompt",
        )
    return Diversity(groups)


def mean_distance(rows: Tensor) -> float:
    """Return the mean Euclidean distance between two different rows of (n, d), n >= 2."""
    total = sum(
        block.sqrt().sum().item() - block.diagonal(start).sqrt().sum().item()
        for start, block in distance_blocks(rows, rows)
    )
    return total / (len(rows) * (len(rows) - 1))


def _by_group(names: Sequence[str]) -> dict[str, Tensor]:
    rows: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        rows.setdefault(name, []).append(i)
    return {name: torch.tensor(found) for name, found in rows.items()}


def _json(value: float) -> float | None:
    return round(value, 4) if value == value else None
