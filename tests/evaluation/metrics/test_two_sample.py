import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.two_sample import two_sample_test
from ddpm_clip.utils.generators import finish


def normal(n, seed, d=6, scale=1.0):
    return scale * torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("hidden", [0, 16])
def test_sets_of_one_kind_cannot_be_told_apart(hidden):
    found = finish(two_sample_test(normal(500, 0), normal(500, 1), hidden=hidden, steps=60))
    low, high = found.interval
    assert low <= 0.5 <= high
    assert found.p > 0.01
    assert found.n == 500


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [0, 8])
def test_the_interval_holds_what_it_promises(hidden):
    found = [
        finish(two_sample_test(normal(60, 2 * i), normal(60, 2 * i + 1), hidden=hidden, steps=10))
        for i in range(200)
    ]
    spread = torch.tensor([one.accuracy for one in found]).std().item()
    assert spread == pytest.approx(0.5 / 60**0.5, rel=0.15)  # binomial; standard error 5 %
    missed = sum(not one.interval[0] <= 0.5 <= one.interval[1] for one in found)
    assert missed <= 20  # 10 expected


@pytest.mark.parametrize("hidden", [0, 16])
def test_sets_far_apart_are_told_apart_always(hidden):
    found = finish(two_sample_test(normal(100, 0) + 10, normal(100, 1), hidden=hidden, steps=60))
    assert found.correct == found.n == 100
    assert found.p == pytest.approx(0.5**100)


def test_a_known_shift_gives_the_share_that_is_possible():
    # two unit Gaussians 2 apart: no rule is right more often than Phi(1) = 0.8413
    shift = torch.tensor([2.0, 0, 0, 0, 0, 0])
    found = finish(two_sample_test(normal(3000, 0) + shift, normal(3000, 1), hidden=0))
    assert found.accuracy == pytest.approx(0.8413, abs=0.02)


@pytest.mark.slow
def test_only_the_hidden_layer_sees_another_width():
    a, b = normal(1000, 0, scale=3.0), normal(1000, 1)
    assert finish(two_sample_test(a, b, hidden=0)).accuracy == pytest.approx(0.5, abs=0.06)
    assert finish(two_sample_test(a, b, hidden=16)).accuracy > 0.9


@pytest.mark.parametrize("hidden", [0, 16])
def test_identical_sets_are_exactly_half_right(hidden):
    x = normal(103, 0)
    assert finish(two_sample_test(x, x, hidden=hidden, steps=60)).accuracy == 0.5


def test_columns_that_never_change_do_no_harm():
    a, b = torch.cat([normal(50, 0), torch.zeros(50, 2)], 1), normal(50, 1, d=8)
    b[:, 6:] = 0
    assert 0.3 < finish(two_sample_test(a, b, hidden=0)).accuracy < 0.7


def test_the_larger_set_is_cut_and_the_same_seed_says_the_same():
    a, b = normal(300, 0), normal(60, 1)
    one, other = (finish(two_sample_test(a, b, hidden=8, steps=20)) for _ in range(2))
    assert one == other
    assert one.n == 60
    assert one.as_dict()["accuracy"] == pytest.approx(one.correct / 60, abs=1e-4)


def test_it_says_how_far_it_is_and_asks_nothing_of_the_global_generator():
    state = torch.get_rng_state()
    told = list(two_sample_test(normal(20, 0), normal(20, 1), steps=1))
    assert [(one.done, one.total) for one in told] == [(0, 1), (1, 1)]
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("options", [{"hidden": -1}, {"steps": 0}])
def test_too_little_to_test_is_refused(options):
    with pytest.raises(UsageError):
        next(two_sample_test(normal(20, 0), normal(20, 1), **options))
    with pytest.raises(UsageError, match="at least 4 rows"):
        next(two_sample_test(normal(20, 0), normal(3, 1)))
