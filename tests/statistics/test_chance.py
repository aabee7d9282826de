from math import comb

import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.statistics.chance import as_many_here, at_least


@pytest.mark.parametrize(
    ("k", "n", "share"), [(3, 5, 0.5), (9, 10, 0.5), (1, 7, 0.01), (20, 30, 0.8)]
)
def test_it_is_the_sum_of_the_binomial_terms(k, n, share):
    exact = sum(comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k, n + 1))
    assert at_least(k, n, share) == pytest.approx(exact, rel=1e-10)


def test_certainties_and_large_counts():
    assert at_least(0, 10) == at_least(0, 0) == 1
    assert at_least(1, 10, 0.0) == 0
    assert at_least(10, 10, 1.0) == 1
    assert at_least(5000, 10_000) == pytest.approx(0.5, abs=0.005)
    assert 0 < at_least(5500, 10_000) < 1e-22


@pytest.mark.parametrize(("k", "n", "share"), [(3, 2, 0.5), (-1, 2, 0.5), (1, 2, 1.5)])
def test_what_is_no_count_is_refused(k, n, share):
    with pytest.raises(UsageError, match="not a valid count"):
        at_least(k, n, share)


@pytest.mark.parametrize(
    ("k", "n", "i", "m"), [(3, 5, 1, 9), (0, 4, 2, 4), (5, 5, 0, 7), (4, 6, 3, 3)]
)
def test_finds_by_lot_are_counted_way_by_way(k, n, i, m):
    ways = [comb(n, j) * comb(m, k + i - j) for j in range(n + 1) if 0 <= k + i - j <= m]
    least = max(0, k + i - m)
    assert as_many_here(k, n, i, m) == pytest.approx(sum(ways[k - least :]) / comb(n + m, k + i))


def test_ranks_by_lot_stand_before_the_next_of_the_others_as_often_as_it_says():
    generator, below = torch.Generator().manual_seed(0), []
    for _ in range(2000):
        ours, others = torch.rand(8, generator=generator), torch.rand(5, generator=generator)
        below.append(int((ours < others.sort().values[1]).sum()))
    shares = [sum(b >= k for b in below) / 2000 for k in (2, 5, 8)]
    assert shares == pytest.approx([as_many_here(k, 8, 1, 5) for k in (2, 5, 8)], abs=0.04)


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(UsageError, match="not valid counts"):
        as_many_here(3, 2, 0, 5)
