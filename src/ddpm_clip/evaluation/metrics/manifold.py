"""Are painted pictures where real ones are, and everywhere where real ones are?

Four shares by balls that reach to the k-th nearest neighbour. Knows nothing of pictures.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.features import paired
from ddpm_clip.evaluation.metrics.neighbours import distance_blocks, nearest_others

SLACK = 1e-9
"""Balls are closed: a row at the rim, up to rounding, is inside."""


@dataclass(frozen=True, slots=True)
class Manifold:
    """How two sets of rows overlap."""

    precision: float  # share of painted rows inside a real ball
    recall: float  # share of real rows inside a painted ball
    density: float  # real balls around a painted row, by k; about 1 where both are of one kind
    coverage: float  # share of real balls with a painted row in them
    n: int  # painted
    m: int  # real

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, rounded to a hundredth of a percent."""
        names = ("precision", "recall", "density", "coverage")
        return {name: round(getattr(self, name), 4) for name in names} | {"n": self.n, "m": self.m}


def manifold(painted: Tensor, real: Tensor, *, k: int = 3, k_density: int = 5) -> Manifold:
    """Precision and recall (Kynkäänniemi et al. 2019, eq. 1); density and coverage (Naeem 2020).

    Balls reach from a row to its k-th nearest of the same set, itself not counted. All four
    depend on n and m, so they stand beside those of real pictures against real ones.

    Args:
        painted: (n, d), more rows than k.
        real: (m, d), more rows than either k.
        k: of precision and recall.
        k_density: of density and coverage.

    Raises:
        UsageError: features of other shapes, too few of them. DataError: not finite.
    """
    if min(k, k_density) < 1:
        raise UsageError(f"balls of {min(k, k_density)} neighbours", "they need one at least")
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
    """For each k the squared radius (n,) of every row's ball."""
    distances, _ = nearest_others(rows, max(ks))
    scale = (rows - rows.mean(0)).square().sum(1).mean()
    return [distances[:, k - 1].square() * (1 + SLACK) + 1e-14 * scale for k in ks]
