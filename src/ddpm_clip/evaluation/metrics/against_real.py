"""A metric of painted pictures against real ones, beside real pictures against real ones.

Every figure here depends on n, and a perfect model would get the figure of the real pictures, not
the best possible value: only the two together say anything.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.features import check_pair, some_rows
from ddpm_clip.evaluation.metrics.frechet import frechet_distance
from ddpm_clip.evaluation.metrics.manifold import manifold
from ddpm_clip.evaluation.metrics.mmd import mmd
from ddpm_clip.registry import Registry
from ddpm_clip.types import Progress

Better = Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One or more figures of two sets of features.

    Attributes:
        figures: for each figure, by its name in JSON, whether low or high is better.
        measure: (n, d) painted and (m, d) real features -> the figures by name.
        titles: what a report calls them; by default, their names.
    """

    figures: Mapping[str, Better]
    measure: Callable[[Tensor, Tensor], Mapping[str, float]]
    titles: Mapping[str, str] = field(default_factory=dict)


def _frechet(painted: Tensor, real: Tensor) -> dict[str, float]:
    return {"frechet": frechet_distance(painted, real)}


def _kid(painted: Tensor, real: Tensor) -> dict[str, float]:
    return {"kid": mmd(painted, real, "cubic").value}


def _mmd(painted: Tensor, real: Tensor) -> dict[str, float]:
    return {"mmd": mmd(painted, real, "rbf").value}


def _manifold(painted: Tensor, real: Tensor) -> dict[str, float]:
    found = manifold(painted, real)
    return {name: getattr(found, name) for name in METRICS["manifold"].figures}


METRICS: Registry[Metric] = Registry(
    "metric",
    {
        "frechet": Metric(
            {"frechet": "low"}, _frechet, {"frechet": "Fréchet distance (own features; no FID)"}
        ),
        "kid": Metric(
            {"kid": "low"}, _kid, {"kid": "kernel distance, unbiased MMD² with the cubic kernel"}
        ),
        "mmd": Metric({"mmd": "low"}, _mmd, {"mmd": "MMD² with a radial kernel"}),
        "manifold": Metric(
            {"precision": "high", "recall": "high", "density": "high", "coverage": "high"},
            _manifold,
        ),
    },
)
"""The metrics of every evaluation, in the order of its report; plug-ins come last."""


@dataclass(frozen=True, slots=True)
class Beside:
    """One figure of painted pictures, and the same figure for real ones at the same n."""

    figure: str
    better: Better
    n: int  # rows of each set
    repeats: int  # random splits of the real rows
    painted: float  # mean over the repeats
    real: float
    painted_spread: float  # standard deviation over the repeats, 0 for one
    real_spread: float

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {name: getattr(self, name) for name in self.__slots__}


def beside_real(
    metric: str,
    painted: Tensor,
    real: Tensor,
    *,
    repeats: int = 3,
    n: int | None = None,
    seed: int = 0,
) -> Generator[Progress, None, dict[str, Beside]]:
    """Measure painted rows against one half of the real rows, and the other half in the same way.

    Each repeat splits the real rows anew and samples n painted ones. Both numbers compare with the
    same half of the real rows, and no row is compared with itself.

    Args:
        metric: a name in `METRICS`.
        painted: features (p, d) of painted pictures.
        real: features (m, d) of real pictures that the model was not trained on.
        repeats: number of random splits; the spread over them is a lower bound of the error.
        n: rows of each set; None takes all painted ones, at most half of the real ones.
        seed: random seed of the splits.

    Returns:
        One `Beside` per figure, by its name.

    Raises:
        UsageError: unknown metric or too few rows. DataError: NaN or infinite values.
    """
    measured = METRICS[metric]
    check_pair(painted, real)
    most = min(len(painted), len(real) // 2)
    n = most if n is None else n
    if not 2 <= n <= most or repeats < 1:
        raise UsageError(
            f"cannot compare {n} rows {repeats} times: {len(painted)} painted, {len(real)} real",
            f"n must be from 2 to {most}, and repeats at least 1",
            param="n",
        )
    values: dict[str, list[tuple[float, float]]] = {name: [] for name in measured.figures}
    for i in range(repeats):
        yield Progress(f"{metric} beside real against real", i, repeats)
        order = some_rows(len(real), len(real), seed + 2 * i)
        right, left = real[order[:n]], real[order[n : 2 * n]]
        ours = measured.measure(painted[some_rows(len(painted), n, seed + 2 * i + 1)], right)
        theirs = measured.measure(left, right)
        for name, pairs in values.items():
            pairs.append((ours[name], theirs[name]))
    yield Progress(f"{metric} beside real against real", repeats, repeats)
    return {name: _beside(name, measured.figures[name], n, pairs) for name, pairs in values.items()}


def _beside(figure: str, better: Better, n: int, pairs: list[tuple[float, float]]) -> Beside:
    table = torch.tensor(pairs, dtype=torch.float64)  # (repeats, 2)
    means = table.mean(0).tolist()
    spreads = table.std(0).tolist() if len(table) > 1 else [0.0, 0.0]
    return Beside(figure, better, n, len(table), *means, *spreads)
