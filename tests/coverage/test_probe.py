"""The line between two clouds: its slope in closed form, its threshold, and honest folds."""

import pytest
import torch

from ddpm_clip.coverage.probe import RIDGE, Probe, even_threshold, unseen
from ddpm_clip.errors import DataError


def clouds(n, m, apart=4.0, f=3, seed=0):
    """Two Gaussian clouds of unit width, `apart` along the first axis."""
    generator = torch.Generator().manual_seed(seed)
    inside, outside = torch.randn(n, f, generator=generator), torch.randn(m, f, generator=generator)
    inside[:, 0] += apart
    return inside, outside


def test_log_odds_of_two_gaussians_are_their_closed_form():
    inside, outside = clouds(20_000, 20_000, apart=2.0)
    rows = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 5, -5]])
    # log N(x; 2, 1) / N(x; 0, 1) = 2 x - 2, whatever the other coordinates are
    assert Probe.fit(inside, outside)(rows).tolist() == pytest.approx([-2, 0, 2], abs=0.15)


def test_the_larger_cloud_does_not_pull_the_line():
    inside, outside = clouds(20_000, 2000, apart=2.0)
    assert Probe.fit(inside, outside)(torch.tensor([[1.0, 0, 0]])).item() == pytest.approx(
        0, abs=0.15
    )


def test_the_fit_is_the_stationary_point_of_the_penalised_likelihood():
    inside, outside = clouds(30, 20, apart=1.0)
    probe, x = Probe.fit(inside, outside), torch.cat([inside, outside]).double()
    wanted = torch.cat([torch.ones(30), torch.zeros(20)]).double()
    weight = torch.cat([torch.full((30,), 50 / 60), torch.full((20,), 50 / 40)]).double()
    residual = weight * (torch.sigmoid(probe(x)) - wanted)
    slope = ((x - probe.mean) / probe.scale).T @ residual + RIDGE * probe.slopes
    assert slope.abs().max() < 1e-6


def test_clouds_that_do_not_touch_give_finite_slopes():
    inside, outside = clouds(40, 40, apart=100.0)
    probe = Probe.fit(inside, outside)
    assert probe.slopes.isfinite().all()
    assert (probe(inside) > 0).all()
    assert (probe(outside) < 0).all()


def test_one_empty_cloud_is_refused():
    with pytest.raises(DataError):
        Probe.fit(torch.randn(3, 2), torch.empty(0, 2))


@pytest.mark.parametrize(
    ("inside", "outside", "threshold"),
    [
        ([2.0, 3.0], [0.0, 1.0], 1.5),
        ([1.0, 4.0, 5.0, 6.0], [0.0, 2.0, 3.0, -1.0], 3.5),  # one of four below
        ([5.0], [1.0], 3.0),
    ],
)
def test_the_threshold_errs_as_often_on_both_sides(inside, outside, threshold):
    assert even_threshold(torch.tensor(inside), torch.tensor(outside)) == threshold


def test_what_a_probe_has_not_seen_is_judged_by_what_it_can_know():
    """Labels that are noise: seen rows look separated in 200 dimensions, unseen ones do not."""
    inside, outside = clouds(100, 100, apart=0.0, f=200)
    seen = Probe.fit(inside, outside)
    assert (seen(inside) > 0).float().mean() > 0.95
    known, unknown = unseen(inside, outside)
    right = ((known > 0).float().mean() + (unknown < 0).float().mean()) / 2
    assert 0.35 < right < 0.65


def test_each_row_is_left_out_once():
    inside, outside = clouds(37, 23)
    known, unknown = unseen(inside, outside)
    assert (len(known), len(unknown)) == (37, 23)
    assert (known > unknown.max()).float().mean() > 0.9
