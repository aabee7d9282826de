"""Paired comparison of two methods on the same prompts and seeds, with intervals."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddpm_clip.statistics.intervals import wilson


@dataclass(frozen=True, slots=True)
class Paired:
    """Counts of pairs: both right, only the first, only the second, neither."""

    both: int
    first: int
    second: int
    neither: int

    @classmethod
    def of(cls, a: Sequence[bool], b: Sequence[bool]) -> "Paired":
        """Count the outcomes of two methods on the same cases."""
        pairs = list(zip(a, b, strict=True))
        return cls(
            *(
                pairs.count(kind)
                for kind in ((True, True), (True, False), (False, True), (False, False))
            )
        )

    @property
    def n(self) -> int:
        """Number of pairs."""
        return self.both + self.first + self.second + self.neither

    @property
    def difference(self) -> float:
        """Share of the first minus share of the second."""
        return (self.first - self.second) / max(1, self.n)

    @property
    def p_value(self) -> float:
        """p-value of McNemar's exact two-sided test.

        >>> Paired(90, 0, 5, 5).p_value
        0.0625
        """
        n, k = self.first + self.second, min(self.first, self.second)
        return min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the difference: Newcombe (1998), method 10; valid for shares near 1."""
        n = self.n
        p, q = (self.both + self.first) / n, (self.both + self.second) / n
        (low_p, high_p), (low_q, high_q) = (
            wilson(self.both + self.first, n),
            wilson(self.both + self.second, n),
        )
        phi = self._correlation()
        down = _length(p - low_p, high_q - q, phi)
        up = _length(high_p - p, q - low_q, phi)
        return self.difference - down, self.difference + up

    def _correlation(self) -> float:
        """Newcombe's phi, continuity-corrected; 0 if a margin is empty."""
        rows = (self.both + self.first) * (self.second + self.neither)
        columns = (self.both + self.second) * (self.first + self.neither)
        if not rows * columns:
            return 0.0
        product = self.both * self.neither - self.first * self.second
        corrected = max(product - self.n / 2, 0) if product > 0 else product
        return float(corrected / math.sqrt(rows * columns))

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        low, high = self.interval
        return {
            "n": self.n,
            "both": self.both,
            "only_first": self.first,
            "only_second": self.second,
            "neither": self.neither,
            "difference": round(self.difference, 4),
            "interval_95": [round(low, 4), round(high, 4)],
            "mcnemar_p": round(self.p_value, 4),
        }


def _length(a: float, b: float, phi: float) -> float:
    return math.sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))


AT_ONCE = 50
"""Number of resamples drawn at once."""

Figure = Callable[[np.ndarray], float]
"""Success shares of the arms (arms,) -> a figure computed from them."""


def resampled(
    outcomes: Sequence[Sequence[bool]],
    figure: Figure,
    *,
    block: int = 1,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % bootstrap interval of a figure computed from the success shares of several arms.

    Args:
        outcomes: outcomes (arms, n) on the same cases.
        figure: computes the figure from the shares of the arms.
        block: number of pictures that are resampled together. The pictures per prompt give the
            interval over other prompts of this kind, 1 the interval over other seeds.
        draws: number of resamples, a multiple of `AT_ONCE`.
        seed: random seed of the resampling.
    """
    table = np.array(outcomes, dtype=float)
    blocks = table.reshape(len(table), -1, block).mean(2)  # (arms, n / block)
    rng, found = np.random.default_rng(seed), list[float]()
    for _ in range(0, draws, AT_ONCE):
        rows = rng.integers(blocks.shape[1], size=(AT_ONCE, blocks.shape[1]))
        found += [figure(shares) for shares in blocks[:, rows].mean(2).T]
    low, high = np.quantile(np.array(found), [0.025, 0.975])
    return float(low), float(high)
