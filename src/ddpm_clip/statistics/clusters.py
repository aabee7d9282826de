"""The interval of a share of outcomes in clusters, such as all of one prompt or all of one noise.

Wilson's interval assumes independent outcomes. Outcomes that share a prompt or a noise are
correlated, and it is then too narrow; resampling whole clusters (Davison & Hinkley 1997, section
3.8) accounts for this.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from ddpm_clip.errors import UsageError
from ddpm_clip.statistics.intervals import wilson

DRAWS = 2000


def cluster_interval(
    clusters: Sequence[tuple[int, int]], *, draws: int = DRAWS, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile interval of a share under resampling of whole clusters.

    Args:
        clusters: (successes, outcomes) of each cluster, with at least one outcome.
        draws: number of resamples.
        level: confidence level of the interval.
        seed: random seed of the resampling.

    Returns:
        (low, high); (0, 1) for fewer than two clusters, which cannot show how clusters differ.
        If all outcomes are equal, resampling shows nothing, and each cluster counts as one outcome
        of Wilson's interval.

    Raises:
        UsageError: a cluster is not a valid count.
    """
    upper = (1 + level) / 2
    counts = np.array(clusters, dtype=float).reshape(-1, 2)  # (clusters, 2)
    if (counts[:, 0] < 0).any() or (counts[:, 0] > counts[:, 1]).any() or (counts[:, 1] < 1).any():
        raise UsageError("clusters are (successes, outcomes)", "one of them is not a valid count")
    if len(counts) < 2:
        return 0.0, 1.0
    successes, outcomes = counts.sum(0)
    if successes in (0, outcomes):
        return wilson(len(counts) if successes else 0, len(counts), NormalDist().inv_cdf(upper))
    rows = np.random.default_rng(seed).integers(len(counts), size=(draws, len(counts)))
    total = counts[rows].sum(1)  # (draws, 2)
    low, high = np.quantile(total[:, 0] / total[:, 1], [1 - upper, upper])
    return float(low), float(high)
