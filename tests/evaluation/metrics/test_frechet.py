import pytest
import torch

from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.evaluation.metrics.frechet import frechet_distance


def exactly(n, covariance, mean=0.0, seed=0):
    """Rows whose sample mean and sample covariance are these, up to rounding."""
    d = len(covariance)
    x = torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    x = x - x.mean(0)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(torch.cov(x.T)), x.T, upper=False).T
    return white @ torch.linalg.cholesky(covariance).T + mean


EYE = torch.eye(5, dtype=torch.float64)


def test_a_shift_is_its_squared_length():
    shift = torch.tensor([3.0, 0, 0, -4, 0], dtype=torch.float64)
    assert frechet_distance(exactly(40, EYE), exactly(60, EYE, shift, 1)) == pytest.approx(25)


def test_commuting_covariances_are_as_far_apart_as_their_roots():
    a, b = torch.tensor([1.0, 4, 9, 1, 0.25]).double(), torch.tensor([4.0, 4, 1, 16, 1]).double()
    turned = torch.linalg.qr(exactly(5 + 1, EYE)[:5])[0]
    found = frechet_distance(
        exactly(40, turned @ a.diag() @ turned.T), exactly(70, turned @ b.diag() @ turned.T, 0, 1)
    )
    assert found == pytest.approx((a.sqrt() - b.sqrt()).square().sum().item(), rel=1e-8)


def test_covariances_that_do_not_commute_against_the_two_by_two_closed_form():
    # tr (A B)^(1/2) of 2 x 2 matrices: sqrt(tr AB + 2 sqrt(det AB)), by Cayley and Hamilton
    a = torch.tensor([[2.0, 0.9], [0.9, 1.0]]).double()
    b = torch.tensor([[1.0, -0.5], [-0.5, 3.0]]).double()
    common = ((a @ b).trace() + 2 * (a.det() * b.det()).sqrt()).sqrt()
    wanted = (a.trace() + b.trace() - 2 * common).item()
    assert frechet_distance(exactly(30, a), exactly(30, b, 0, 1)) == pytest.approx(wanted, rel=1e-8)


def test_one_column_is_the_difference_of_means_and_deviations():
    a, b = torch.tensor([[0.0], [2.0]]), torch.tensor([[10.0], [16.0]])  # deviations 2 and 18, ^.5
    assert frechet_distance(a, b) == pytest.approx(12**2 + (2**0.5 - 18**0.5) ** 2)


def test_it_is_symmetric_never_negative_and_zero_of_identical_sets_even_of_few_rows():
    a, b = torch.randn(10, 64), torch.randn(20, 64) * 3
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)
    assert 0 <= frechet_distance(a, a) < 1e-9
    assert 0 <= frechet_distance(b, b.flip(0)) < 1e-9


def test_columns_shuffled_among_each_other_are_worse_than_rows_drawn_anew():
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(8, 8, generator=generator)
    a, b = (torch.randn(2000, 8, generator=generator) @ mixing for _ in range(2))
    parted = torch.stack([column[torch.randperm(2000, generator=generator)] for column in b.T], 1)
    assert frechet_distance(a, a) < frechet_distance(a, b) < 0.1 * frechet_distance(a, parted)


def test_its_bias_falls_with_n():
    def same(n):
        generator = torch.Generator().manual_seed(n)
        return frechet_distance(*(torch.randn(n, 16, generator=generator) for _ in range(2)))

    assert same(50) > 3 * same(500) > 9 * same(5000)


@pytest.mark.parametrize(("a", "b"), [((3, 4), (3, 5)), ((1, 4), (9, 4)), ((4,), (4,))])
def test_what_cannot_be_compared_is_refused(a, b):
    with pytest.raises(UsageError, match="features of shapes"):
        frechet_distance(torch.zeros(a), torch.zeros(b))


def test_features_that_are_no_numbers_are_refused():
    with pytest.raises(DataError, match="NaN or infinite"):
        frechet_distance(torch.tensor([[1.0], [torch.nan]]), torch.zeros(2, 1))
