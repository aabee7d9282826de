"""Pixels against pixels: known differences come out as they were planted."""

import math

import numpy as np
import pytest
from PIL import Image

from ddpm_clip.reproducing import compare


def picture(seed=0, channels=3, size=(6, 5)):
    shape = (size[1], size[0], 3) if channels == 3 else (size[1], size[0])
    return Image.fromarray(np.random.default_rng(seed).integers(9, 200, shape, dtype=np.uint8))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_equal_to_itself(channels):
    found = compare(picture(channels=channels), picture(channels=channels))
    assert (found.equal, found.pixels, found.different, found.largest) == (True, 30, 0, 0)
    assert found.psnr is None


@pytest.mark.parametrize("by", [1, 7])
def test_one_value_of_one_pixel_is_counted_and_measured(by):
    changed = np.asarray(picture()).copy()
    changed[2, 3, 1] += by
    changed = Image.fromarray(changed)
    for one, other in ((changed, picture()), (picture(), changed)):  # brighter, and darker
        found = compare(one, other)
        assert (found.equal, found.different, found.largest) == (False, 1, by)
        assert found.psnr == pytest.approx(10 * math.log10(255**2 / (by**2 / 90)), abs=0.01)


def test_grey_is_the_colour_with_three_equal_channels():
    assert compare(picture(channels=1).convert("RGB"), picture(channels=1)).equal


def test_another_size_is_another_picture():
    found = compare(picture().resize((12, 10)), picture())
    assert not found.equal
    assert (found.sizes, found.different) == (((12, 10), (6, 5)), 30)
