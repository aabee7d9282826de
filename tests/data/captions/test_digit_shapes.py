"""Bars, rings and sheared bars whose stroke, slant and extent are known."""

import numpy as np
import pytest
import torch

from ddpm_clip.data.captions.digit_shapes import Spread, measured, spreads, with_shapes


def bar(top, bottom, left, right, shear=0.0):
    """(1, 28, 28) uint8, moved right by `shear` for each pixel up."""
    picture = np.zeros((1, 28, 28), np.uint8)
    for y in range(top, bottom):
        shift = round(shear * (14 - y))
        picture[0, y, left + shift : right + shift] = 255
    return picture


@pytest.mark.parametrize("width", [2, 3, 4, 6])
def test_the_stroke_of_a_long_bar_is_its_width(width):
    standing = bar(2, 26, 10, 10 + width)
    shapes = measured(np.stack([standing, standing.transpose(0, 2, 1)]))
    assert shapes["stroke"].numpy() == pytest.approx(width, rel=0.12)
    assert shapes["stroke"][0] == pytest.approx(shapes["stroke"][1].item())


def test_a_wider_stroke_measures_wider_whatever_its_shape():
    y, x = np.mgrid[:28, :28] - 13.5
    far = np.sqrt(x**2 + y**2)
    rings = [(np.abs(far - 8) < half)[None].astype(np.uint8) * 255 for half in (1, 1.5, 2, 3)]
    widths = measured(np.stack(rings))["stroke"]
    assert (widths.diff() > 0.5).all()
    assert widths.numpy() == pytest.approx([2, 3, 4, 6], rel=0.2)


@pytest.mark.parametrize("shear", [-0.5, -0.25, 0.0, 0.25, 0.5])
def test_the_slant_of_a_sheared_bar_is_its_shear(shear):
    slant = measured(bar(4, 24, 12, 16, shear)[None])["slant"].item()
    assert slant == pytest.approx(shear, abs=0.03)


def test_the_box_gives_size_and_shape():
    shapes = measured(np.stack([bar(4, 24, 9, 19), bar(9, 19, 4, 24)]))
    assert shapes["size"].numpy() == pytest.approx(200**0.5, rel=0.05)
    assert shapes["shape"].numpy() == pytest.approx([0.5, 2.0], rel=0.05)


def test_a_picture_without_ink_has_no_measurements_and_harms_no_quantile():
    shapes = measured(np.stack([np.zeros((1, 28, 28), np.uint8), bar(4, 24, 12, 16)]))
    assert all(values[0].isnan() and values[1].isfinite() for values in shapes.values())
    assert Spread.of(shapes["stroke"]).middle == pytest.approx(shapes["stroke"][1].item())


def test_words_go_by_the_other_pictures_of_the_same_digit():
    ones = [bar(4, 24, 12, 12 + width) for width in (1, 2, 3, 4, 5)]
    zeros = [bar(4, 24, 6, 6 + width) for width in (5, 6, 7, 8, 9)]
    facts = [{"digit": "one"}] * 5 + [{"digit": "zero"}] * 5
    told = with_shapes(np.stack(ones + zeros), facts)
    assert [one.get("stroke") for one in told] == ["thin", "thin", None, "thick", "thick"] * 2
    assert all(one["digit"] == fact["digit"] for one, fact in zip(told, facts, strict=True))
    assert facts == [{"digit": "one"}] * 5 + [{"digit": "zero"}] * 5, "the given facts are kept"


def test_pictures_that_are_no_digits_are_told_nothing():
    told = with_shapes(np.stack([bar(4, 24, 12, 14)] * 2), [{"label": "cat"}, {"digit": "one"}])
    assert told[0] == {"label": "cat"}


def test_a_word_holds_on_its_side_of_the_median_and_upright_in_the_middle_third():
    spread = Spread.of(torch.arange(101.0))
    assert spread.middle == 50
    assert spread.holds("stroke", "thin", 49)
    assert not spread.holds("stroke", "thin", 51)
    assert spread.holds("stroke", "thick", 51)
    assert not spread.holds("stroke", "thick", 50)
    assert [spread.holds("slant", "upright", v) for v in (30, 34, 66, 70)] == [
        False,
        True,
        True,
        False,
    ]
    assert spread.name("slant", 50) == "upright"
    assert spread.name("stroke", 50) is None
    assert spread.name("slant", 0) == "left"
    assert spread.name("slant", 100) == "right"


def test_a_digit_is_measured_beside_its_own_kind_only():
    shapes = {"stroke": torch.tensor([1.0, 2, 3, 11, 12, 13])}
    of = spreads(shapes, ["one"] * 3 + ["two"] * 3)
    assert of["one"]["stroke"].middle == 2
    assert of["two"]["stroke"].middle == 12
