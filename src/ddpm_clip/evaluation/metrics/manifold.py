"""Precision, recall, density and coverage: how two sets of features overlap.

All four use balls around each row that reach to its k-th nearest neighbour.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.features import paired
from ddpm_clip.evaluation.metrics.neighbours import distance_blocks, nearest_others

SLACK = 1e-9
"""Tolerance for rounding: balls are closed, so a row on the boundary is inside."""


@dataclass(frozen=True, slots=True)
class Manifold:
    """How two sets of features overlap."""

    precision: float  # share of painted rows inside a real ball
    recall: float  # share of real rows inside a painted ball
    density: float  # mean number of real balls around a painted row, / k; about 1 if both are alike
    coverage: float  # share of real balls that contain a painted row
    n: int  # number of painted rows
    m: int  # number of real rows

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, rounded to a hundredth of a percent."""
        names = ("precision", "recall", "density", "coverage")
        return {name: round(getattr(self, name), 4) for name in names} | {"n": self.n, "m": self.m}


def manifold(painted: Tensor, real: Tensor, *, k: int = 3, k_density: int = 5) -> Manifold:
    """Measure precision and recall (Kynkäänniemi et al. 2019, eq. 1), density and coverage.

    Density and coverage are from Naeem et al. 2020. A ball reaches from a row to its k-th nearest
    neighbour in the same set, not counting itself. All four depend on n and m, so they are reported
    with those of real against real pictures.

    Args:
        painted: (n, d) features, more rows than k.
        real: (m, d) features, more rows than either k.
        k: number of neighbours for precision and recall.
        k_density: number of neighbours for density and coverage.

    Raises:
        UsageError: shapes do not match, or there are too few rows.
        DataError: features are not finite.
    """
    if min(k, k_density) < 1:
        raise UsageError(f"k = {min(k, k_density)} neighbours", "at least one neighbour is needed")
    painted, real = paired(painted, real, least=max(k, k_density) + 1)
    near, wide = _reach(real, k, k_density)
    (own,) = _reach(painted, k)
    precise, density = torch.zeros(len(painted), dtype=torch.bool), 0.0
    recalled = covered = torch.zeros(len(real), dtype=torch.bool)
    for start, squares in distance_blocks(painted, real):  # (chunk, m)
        stop, inside = start + len(squares), squares <= wide
        precise[start:stop] = (squares <= near).any(1)
        density += inside.sum().item() / k_density
        covered = covered | inside.any(0)
        recalled = recalled | (squares <= own[start:stop, None]).any(0)
    return Manifold(
        precise.double().mean().item(),
        recalled.double().mean().item(),
        density / len(painted),
        covered.double().mean().item(),
        len(painted),
        len(real),
    )


def _reach(rows: Tensor, *ks: int) -> list[Tensor]:
    """Return, for each k, the squared radius (n,) of every row's ball."""
    distances, _ = nearest_others(rows, max(ks))
    scale = (rows - rows.mean(0)).square().sum(1).mean()
    return [distances[:, k - 1].square() * (1 + SLACK) + 1e-14 * scale for k in ks]
