"""Integrated gradients: closed forms, completeness, and coordinates that nothing depends on."""

import pytest
import torch

from ddpm_clip.explain.maths.integrated_gradients import gauss_legendre, integrate
from ddpm_clip.utils.generators import finish


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def test_a_linear_value_gives_slope_times_way_to_each_coordinate():
    slope, start, end = drawn(5), drawn(3, 5, seed=1), drawn(3, 5, seed=2)
    found = finish(integrate(lambda c: c @ slope, start, end))
    assert torch.allclose(found.attributions, (end - start) * slope)
    assert found.error < 1e-12


def test_a_polynomial_is_exact_and_a_product_is_shared_by_its_factors():
    start, end = torch.zeros(1, 3).double(), torch.tensor([[2.0, 3.0, 7.0]]).double()
    found = finish(integrate(lambda c: c[:, 0] * c[:, 1], start, end, cuts=0))
    assert found.attributions[0].tolist() == pytest.approx([3.0, 3.0, 0.0])  # 6 in two halves
    assert found.change.item() == pytest.approx(6)


def test_a_step_at_another_place_in_every_row_is_found_by_cutting_there():
    places = torch.tensor([0.11, 0.52, 0.97]).double()

    def steps(c):
        return torch.sigmoid(2000 * (c[:, 0] - places.repeat(len(c) // 3))) + 0 * c[:, 1]

    start, end = torch.zeros(3, 2).double(), torch.ones(3, 2).double()
    coarse, fine = (finish(integrate(steps, start, end, cuts=n)) for n in (0, 16))
    assert coarse.error > 0.5 > 0.02 > fine.error
    assert fine.attributions[:, 0].tolist() == pytest.approx([1, 1, 1], abs=0.02)
    assert fine.attributions[:, 1].tolist() == [0, 0, 0]


def test_each_row_is_asked_of_its_own_case():
    slopes, end = drawn(4), torch.ones(4, 1).double()
    found = finish(integrate(lambda c: c[:, 0] * slopes.repeat(len(c) // 4), 0 * end, end))
    assert torch.allclose(found.attributions[:, 0], slopes)


def test_parts_that_sum_to_the_way_have_attributions_with_the_same_sum():
    start, end = torch.zeros(2, 4).double(), drawn(2, 4)
    found = finish(integrate(lambda c: (c.square().sum(1) + 1).log(), start, end))
    some = drawn(2, 2, 4, seed=3)
    parts = torch.cat([some, (found.way - some.sum(0))[None]])
    assert torch.allclose(found.along(parts).sum(1), found.attributions.sum(1))
    assert torch.allclose(found.attributions.sum(1), found.change, atol=1e-2)


def test_weights_are_a_mean_and_cutting_ends_where_nothing_is_missing():
    assert gauss_legendre(7)[1].sum().item() == pytest.approx(1)
    start = torch.zeros(1, 2).double()
    assert [p.done for p in integrate(lambda c: c.sum(1), start, start + 1)] == [1]
