"""Figures that can be counted by hand, on the corners of a square and on a circle."""

import math

import pytest
import torch

from ddpm_clip.conditioning.closeness import (
    centred_cosines,
    energy_scores,
    nearest_squares,
    paired_closeness,
    reciprocal_ranks,
    unpaired_closeness,
)

CENTRE = torch.zeros(2)


def at(*degrees):
    angles = torch.tensor([float(d) for d in degrees]) * math.pi / 180
    return torch.stack([angles.cos(), angles.sin()], 1)


def test_a_text_that_lies_on_its_picture_has_all_figures_of_a_picture():
    own, bank = at(0, 90, 180), at(10, 100, 190)
    figures = paired_closeness(own, own, bank, CENTRE)
    assert figures.outside is None
    assert {name: one for name, one in figures.as_dict().items() if one} == pytest.approx(
        {
            "cosine": 1,
            "centred_cosine": 1,
            "reciprocal_rank": 1,
            "nearest_ratio": 1,
            "radius_ratio": 1,
        },
        rel=1e-4,
    )


def test_a_copy_of_the_bank_is_at_no_distance_and_a_longer_row_is_far():
    own, bank = at(0, 90), at(10, 100)
    assert paired_closeness(bank, own, bank, CENTRE).nearest_ratio == pytest.approx(0, abs=1e-4)
    far = paired_closeness(2 * own, own, bank, CENTRE)
    assert far.radius_ratio == pytest.approx(2)
    assert far.cosine == pytest.approx(1)
    near = 2 - 2 * math.cos(math.radians(10))
    assert far.nearest_ratio == pytest.approx((5 - 4 * math.cos(math.radians(10))) / near, rel=1e-3)


def test_squared_distances_are_those_of_cdist():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(40, 8, generator=generator)
    bank = torch.nn.functional.normalize(torch.randn(90, 8, generator=generator), dim=1)
    exact = torch.cdist(rows, bank).square().sort(1).values
    assert torch.allclose(nearest_squares(rows, bank), exact[:, 0], atol=1e-4)
    assert torch.allclose(nearest_squares(rows, bank, 2), exact[:, 1], atol=1e-4)


def test_ranks_count_the_pictures_that_are_nearer_than_the_own():
    own = at(0, 90, 180, 270)
    asked = at(0, 10, 170, 100)  # the second is nearer to the first, the last to three others
    assert reciprocal_ranks(asked, own, CENTRE).tolist() == pytest.approx([1, 1 / 2, 1, 1 / 4])


def test_equal_pictures_do_not_push_each_other_back():
    own = at(0, 0, 0, 90)
    assert reciprocal_ranks(at(5, 5, 5, 80), own, CENTRE).tolist() == [1, 1, 1, 1]


def test_centring_takes_off_what_all_pictures_share():
    shared = torch.tensor([10.0, 0.0])
    asked, own = shared + at(0), shared + at(90)
    assert centred_cosines(asked, own, shared).item() == pytest.approx(0, abs=1e-5)
    assert centred_cosines(asked, own, CENTRE).item() > 0.98


def test_a_picture_of_the_bank_is_not_its_own_neighbour():
    bank = at(0, 20, 40, 60, 80)
    figures = unpaired_closeness(at(10, 30), bank, CENTRE)
    expected = (1 - math.cos(math.radians(10))) / (1 - math.cos(math.radians(20)))
    assert figures.nearest_ratio == pytest.approx(expected, rel=1e-3)
    assert (figures.cosine, figures.centred_cosine, figures.reciprocal_rank) == (None,) * 3


def test_pictures_that_are_all_one_give_no_number_instead_of_an_error():
    figures = unpaired_closeness(at(10), at(0, 0, 0), at(0)[0])
    assert math.isnan(figures.nearest_ratio)
    assert math.isnan(figures.radius_ratio)


def test_the_energy_score_of_one_draw_is_its_distance_and_of_two_takes_off_half_of_theirs():
    own, one, other = torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 1.0]])
    assert energy_scores(one[None], own).item() == pytest.approx(5)
    assert energy_scores(torch.stack([one, other]), own).item() == pytest.approx(3 - 18**0.5 / 2)


def test_the_energy_score_is_least_for_draws_as_spread_as_the_truth():
    generator = torch.Generator().manual_seed(0)
    own = torch.randn(3000, 4, generator=generator)
    z = torch.randn(8, 3000, 4, generator=generator)
    scores = {spread: energy_scores(spread * z, own).mean().item() for spread in (0, 0.5, 1, 2)}
    assert scores[1] < scores[0.5] < scores[0]
    assert scores[1] < scores[2]
