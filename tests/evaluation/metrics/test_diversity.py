import math

import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.diversity import diversity, mean_distance


def rows(*values):
    return torch.tensor(values, dtype=torch.float32)[:, None]


def normal(n, seed):
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(seed))


def test_distances_are_those_within_the_groups():
    found = diversity(rows(0, 1, 7, 7, 9), "aabbc", rows(0, 4, 1, 1, 4), "aabbb")
    assert found.groups["a"] == pytest.approx(found.groups["a"].__class__(2, 1.0, 2, 4.0))
    assert (found.groups["b"].painted, found.groups["b"].real) == (0, 2)  # (0 + 3 + 3) / 3
    assert list(found.groups) == ["a", "b"]  # c has one row, and no real ones
    assert found.ratio == pytest.approx(1 / 6)
    assert found.least == "b"
    assert found.as_dict()["groups"]["b"] == {
        "n": 2,
        "painted": 0,
        "real_n": 3,
        "real": 2,
        "ratio": 0,
    }


def test_pictures_like_the_real_ones_have_ratio_one_and_a_collapsed_group_none():
    names = ["a", "b"] * 200
    real = normal(400, 0)
    assert diversity(real, names, real, names).ratio == 1
    assert diversity(normal(400, 1), names, real, names).ratio == pytest.approx(1, abs=0.03)
    collapsed = real[:2].repeat(200, 1)
    assert diversity(collapsed, names, real, names).ratio == pytest.approx(0, abs=1e-6)


def test_shuffled_names_mix_the_groups_and_widen_them():
    real = torch.cat([normal(100, 0), normal(100, 1) + 20])
    names, mixed = ["a"] * 100 + ["b"] * 100, ["a", "b"] * 100
    assert diversity(real, mixed, real, names).ratio > 5


@pytest.mark.slow
def test_the_mean_does_not_depend_on_the_number_of_rows():
    wide = [mean_distance(normal(n, seed)) for seed in range(200) for n in (2,)]
    assert sum(wide) / 200 == pytest.approx(mean_distance(normal(2000, 999)), rel=0.06)


def test_real_pictures_that_are_all_one_give_no_ratio():
    found = diversity(rows(0, 1), "aa", rows(3, 3), "aa")
    assert math.isnan(found.ratio)
    assert found.as_dict()["ratio"] is None


def test_groups_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match="each row needs a group"):
        diversity(rows(1, 2), "a", rows(1, 2), "aa")
    with pytest.raises(UsageError, match="no group"):
        diversity(rows(1, 2), "ab", rows(1, 2), "aa")
