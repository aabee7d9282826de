"""Conditions between conditions: arcs have their closed form, sums only proportions."""

import math

import pytest
import torch

from ddpm_clip.editing.arcs import between, blended, mixed, slerp
from ddpm_clip.errors import UsageError


def directions(n=20, e=64, seed=0):
    x = torch.randn(n, 2, e, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(x, dim=2)


@pytest.mark.parametrize("share", [0, 0.1, 0.25, 0.5, 0.9, 1])
def test_between_directions_the_norm_is_1(share):
    for u, v in directions():
        assert slerp(u, v, share).norm().item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
def test_an_arc_is_walked_evenly(share):
    for u, v in directions():
        whole = math.acos((u @ v).item())
        way = math.acos(min(1.0, (u @ slerp(u, v, share)).item()))
        assert way == pytest.approx(share * whole, abs=1e-3)


def test_the_ends_come_back_to_the_bit():
    for u, v in 7.3 * directions():
        assert torch.equal(slerp(u, v, 0.0), u)
        assert torch.equal(slerp(u, v, 1.0), v)


def test_both_ways_are_one():
    for u, v in directions():
        torch.testing.assert_close(slerp(u, v, 0.3), slerp(v, u, 0.7))


def test_halfway_between_two_axes_is_the_diagonal_of_the_mean_length():
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 4.0])
    torch.testing.assert_close(slerp(a, b, 0.5), torch.full((2,), 3 / 2**0.5))


def test_one_direction_is_its_own_arc():
    a = torch.tensor([1.0, 2.0, 2.0])
    torch.testing.assert_close(slerp(a, 2 * a, 0.5), 1.5 * a)


def test_opposite_ends_have_no_shortest_way():
    a = torch.tensor([1.0, 2.0])
    with pytest.raises(UsageError, match="opposite"):
        slerp(a, -3 * a, 0.5)


def test_from_the_middle_of_the_cloud_the_way_is_straight():
    a = torch.tensor([1.0, 2.0])
    torch.testing.assert_close(slerp(torch.zeros(2), a, 0.25), a / 4)


def test_the_level_is_interpolated_beside_the_direction():
    a, b = torch.tensor([2.0, 0.0, 0.0]), torch.tensor([0.0, 2.0, 0.4])
    torch.testing.assert_close(between(a, b, 0.5, 2), torch.tensor([2**0.5, 2**0.5, 0.2]))
    assert torch.equal(between(a, b, 1.0, 2), b)
    assert torch.equal(between(a, b, 0.0, 2), a)


def test_a_raw_condition_has_no_level():
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    torch.testing.assert_close(between(a, b, 0.5, 2), torch.tensor([2**0.5, 2**0.5]))


@pytest.mark.parametrize("weights", [(1, 1), (0.7, 0.3), (2, -0.5)])
def test_a_sum_has_the_average_length_whatever_the_sum_of_the_weights(weights):
    c = torch.tensor([[3.0, 0.0], [0.0, 5.0]])
    wanted = sum(abs(w) * n for w, n in zip(weights, (3, 5), strict=True)) / sum(map(abs, weights))
    assert mixed(c, weights).norm().item() == pytest.approx(wanted, rel=1e-6)
    torch.testing.assert_close(mixed(c, weights), mixed(c, [10 * w for w in weights]))


def test_a_sum_points_where_the_weights_say():
    c = torch.eye(2)
    torch.testing.assert_close(mixed(c, (3.0, -4.0)), torch.tensor([0.6, -0.8]))


def test_one_part_is_itself():
    c = torch.tensor([[3.0, 4.0]])
    torch.testing.assert_close(mixed(c, [0.2]), c[0])


def test_parts_that_cancel_are_refused():
    with pytest.raises(UsageError, match="cancel"):
        mixed(torch.tensor([[1.0, 2.0], [1.0, 2.0]]), (1, -1))


def test_levels_are_averaged():
    c = torch.tensor([[1.0, 0.0, 0.4], [0.0, 1.0, 0.0]])
    assert blended(c, (3.0, -1.0), 2)[2].item() == pytest.approx(0.3)
