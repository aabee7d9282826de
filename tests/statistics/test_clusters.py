"""Intervals of clustered outcomes: right where Wilson's is too narrow, and not before."""

import numpy as np
import pytest

from ddpm_clip.errors import UsageError
from ddpm_clip.statistics.clusters import cluster_interval
from ddpm_clip.statistics.intervals import wilson


def coverage(clusters_of, trials=150, truth=0.7):
    """How often Wilson's and the clusters' interval hold the truth."""
    rng, held = np.random.default_rng(0), np.zeros(2)
    for trial in range(trials):
        clusters = clusters_of(rng, truth)
        k, n = (sum(column) for column in zip(*clusters, strict=True))
        both = wilson(k, n), cluster_interval(clusters, draws=300, seed=trial)
        held += [low <= truth <= high for low, high in both]
    return held / trials


def reused_noise(rng, truth):
    """40 noises, each painted with ten prompts: it succeeds with all of them or with none."""
    return [(10 * int(rng.random() < truth), 10) for _ in range(40)]


def own_noise(rng, truth):
    """400 pictures, each with a seed of its own, counted in forty groups of ten."""
    return [(int(rng.binomial(10, truth)), 10) for _ in range(40)]


@pytest.mark.slow
def test_reused_noise_makes_wilson_too_sure_and_clusters_are_not_fooled():
    one_by_one, by_cluster = coverage(reused_noise)
    assert one_by_one < 0.6
    assert by_cluster > 0.88


@pytest.mark.slow
def test_a_seed_a_picture_makes_wilson_right():
    one_by_one, by_cluster = coverage(own_noise)
    assert one_by_one > 0.9
    assert by_cluster > 0.88


def test_clusters_that_all_succeed_count_as_one_outcome_each():
    assert cluster_interval([(4, 4)] * 10) == pytest.approx(wilson(10, 10), abs=1e-4)
    assert cluster_interval([(0, 4)] * 10) == pytest.approx(wilson(0, 10), abs=1e-4)


def test_one_cluster_tells_nothing_and_no_count_is_refused():
    assert cluster_interval([(3, 4)]) == (0.0, 1.0)
    for wrong in ((5, 4), (-1, 4), (0, 0)):
        with pytest.raises(UsageError, match="not a valid count"):
            cluster_interval([wrong, (1, 2)])
