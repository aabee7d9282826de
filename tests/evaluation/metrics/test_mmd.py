import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics import mmd as module
from ddpm_clip.evaluation.metrics import neighbours
from ddpm_clip.evaluation.metrics.mmd import median_distance, mmd, permutation_p


def normal(n, d=4, seed=0, mean=0.0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed)).double() + mean


def by_hand(a, b, kernel):
    """Eq. 3 of Gretton et al. as three double loops."""
    within = sum(kernel(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j)
    other = sum(kernel(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j)
    across = sum(kernel(x, y) for x in a for y in b)
    n, m = len(a), len(b)
    return (within / (n * (n - 1)) + other / (m * (m - 1)) - 2 * across / (n * m)).item()


def cubic(x, y):
    return (x @ y / len(x) + 1) ** 3


def radial(x, y):
    return (-(x - y).square().sum() / (2 * 1.5**2)).exp()


@pytest.mark.parametrize("chunk", [3, 1024])
def test_it_is_the_double_sum_of_the_paper_however_it_is_cut(monkeypatch, chunk):
    monkeypatch.setattr(module, "CHUNK", chunk)
    monkeypatch.setattr(neighbours, "CHUNK", chunk)
    a, b = normal(7), normal(9, seed=1, mean=0.5)
    assert mmd(a, b).value == pytest.approx(by_hand(a, b, cubic), rel=1e-10)
    found = mmd(a, b, "rbf", sigma=1.5)
    assert found.value == pytest.approx(by_hand(a, b, radial), rel=1e-10)
    assert (found.n, found.m, found.sigma) == (7, 9, 1.5)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["cubic", "rbf"])
def test_it_is_unbiased_on_sets_of_one_kind(kernel):
    values = torch.tensor(
        [
            mmd(normal(20, seed=2 * i), normal(30, seed=2 * i + 1), kernel, sigma=None).value
            for i in range(300)
        ],
        dtype=torch.float64,
    )
    assert abs(values.mean() / values.std()) < 4 / 300**0.5
    assert 0.2 < (values < 0).double().mean() < 0.8  # an estimate that is never negative is biased


def test_the_cubic_kernel_knows_the_expectation_of_points():
    # unit vectors x and -x in one dimension: k(x, x) = 8, k(x, -x) = 0, and 8 + 8 - 2 * 0 = 16
    assert mmd(torch.ones(6, 1), -torch.ones(5, 1)).value == pytest.approx(16)


@pytest.mark.slow
def test_the_standard_error_is_the_spread_of_fresh_samples():
    found = [
        mmd(normal(200, seed=2 * i), normal(200, seed=2 * i + 1, mean=1.0), blocks=5)
        for i in range(60)
    ]
    spread = torch.tensor([one.value for one in found]).std().item()
    claimed = torch.tensor([one.stderr for one in found]).mean().item()
    assert spread == pytest.approx(claimed, rel=0.3)


def test_identical_sets_score_best_and_further_ones_worse():
    a = normal(300)
    values = [mmd(a, x).value for x in (a, normal(300, seed=1), a + 0.5, a + 1.0, a + 2.0)]
    assert values == sorted(values)
    assert values[0] < 0  # the pairs of a row and its copy count only across


def test_the_median_is_of_different_rows():
    assert median_distance(torch.tensor([[0.0], [3.0], [4.0]])) == 3.0


@pytest.mark.parametrize("kernel", ["cubic", "rbf"])
def test_permutations_reject_other_kinds_only(kernel):
    same = [
        permutation_p(
            normal(30, seed=2 * i), normal(20, seed=2 * i + 1), kernel, permutations=99, seed=i
        )
        for i in range(60)
    ]
    assert 0.35 < sum(same) / 60 < 0.65  # uniform: .5, standard error .037
    other = permutation_p(normal(30), normal(20, seed=1, mean=1.5), kernel, permutations=99)
    assert other == 0.01  # 1 of 100, the least there is


def test_the_first_of_the_divisions_is_the_estimate_itself():
    a, b = normal(7), normal(9, seed=1)
    rows = torch.cat([a, b])
    gram = ((rows @ rows.T / 4 + 1) ** 3).fill_diagonal_(0)
    chosen = torch.cat([torch.ones(7), torch.zeros(9)]).double()[None]
    assert module._divided(gram, chosen, 7, 9).item() == pytest.approx(mmd(a, b).value)


def test_rows_that_are_all_alike_are_no_division_by_zero():
    assert mmd(torch.zeros(8, 2), torch.zeros(8, 2), "rbf").value == 0
    assert mmd(torch.ones(8, 2), torch.zeros(8, 2), "rbf").value == pytest.approx(2)


def test_an_unknown_kernel_is_refused():
    with pytest.raises(UsageError, match="unknown kernel"):
        mmd(normal(9), normal(9), "linear")
