import numpy as np
import pytest
from PIL import Image

from ddpm_clip.data.pictures.crops import RandomCrop, cropped, random_crops, square
from ddpm_clip.data.pictures.images import to_array


def numbered(width, height):
    """A picture whose pixels say where they are: red is the column, green the row."""
    down, across = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([across, down, 0 * down], 2).astype(np.uint8))


def place(image):
    """(left, top, width, height) of a part of a numbered picture."""
    left, top, _ = image.getpixel((0, 0))
    return left, top, *image.size


def test_the_middle_square_is_cut_out():
    wide = Image.new("RGB", (40, 20), "red")
    wide.paste("blue", (10, 0, 30, 20))
    assert square(wide).size == (20, 20)
    assert np.unique(np.asarray(square(wide)).reshape(-1, 3), axis=0).tolist() == [[0, 0, 255]]
    assert square(wide, "none").size == (40, 20)


@pytest.mark.parametrize(
    ("size", "part"),
    [
        ((16, 24), (0, 10, 90, 60)),  # 3:2 of 90x80 keeps the width
        ((24, 16), (18, 0, 53, 80)),  # 2:3 keeps the height
        ((32, 48), (0, 10, 90, 60)),  # only the shape counts
        (32, (5, 0, 80, 80)),
        ((80, 90), (0, 0, 90, 80)),
    ],
)
def test_the_largest_middle_part_in_the_shape_of_the_model_is_cut_out(size, part):
    assert place(cropped(numbered(90, 80), size)) == part


def test_a_line_still_has_a_pixel():
    assert cropped(Image.new("L", (900, 3)), (64, 4)).size == (1, 3)
    assert cropped(Image.new("L", (3, 900)), (4, 64)).size == (3, 1)


def test_a_picture_of_the_size_of_the_model_keeps_every_pixel():
    picture = numbered(24, 16)
    expected = np.asarray(picture).transpose(2, 0, 1)
    assert np.array_equal(to_array(picture, (16, 24), 3), expected)
    assert np.array_equal(to_array(picture, (16, 24), 3, "none"), expected)


def test_a_circle_stays_a_circle_and_squeezing_makes_it_an_ellipse():
    down, across = np.mgrid[:60, :90]
    disc = Image.fromarray((((down - 30) ** 2 + (across - 45) ** 2 < 20**2) * 255).astype(np.uint8))

    def extent(pixels):
        ink = pixels[0] > 127
        return int(ink.any(1).sum()), int(ink.any(0).sum())  # rows, columns

    high, wide = extent(to_array(disc, (32, 48), 1))
    assert abs(high - wide) <= 1
    high, wide = extent(to_array(disc, (48, 48), 1, "none"))
    assert high > 1.3 * wide


def test_random_crops_are_the_same_in_every_run():
    picture = numbered(100, 80)
    again = [[place(one.of(picture, "a.jpg")) for one in random_crops(4, 0.2)] for _ in range(2)]
    assert again[0] == again[1]
    assert len(set(again[0])) == 4  # they differ from each other ...
    assert place(RandomCrop(1, 0.2).of(picture, "b.jpg")) != again[0][0]  # ... and from others'


def test_more_random_crops_leave_the_first_ones_as_they_are():
    assert random_crops(2, 0.2) == random_crops(5, 0.2)[:2]
    assert random_crops(0, 0.2) == ()


def test_random_crops_lie_everywhere_inside_and_leave_out_at_most_the_margin():
    picture = numbered(100, 80)
    found = np.array([place(RandomCrop(1, 0.2).of(picture, str(key))) for key in range(400)])
    left, top, width, height = found.T
    assert (left.min(), top.min()) == (0, 0)
    assert ((left + width).max(), (top + height).max()) == (100, 80)
    assert width.min() in (80, 81)
    assert width.max() in (99, 100)
    assert left.max() > 15
    assert (left + width).min() < 85
    assert np.abs(width / 100 - height / 80).max() < 0.02  # in the proportions of the picture


def test_a_random_crop_of_a_tiny_picture_is_a_picture():
    for side in ((1, 1), (1, 5), (2, 3)):
        assert min(RandomCrop(1, 0.9).of(numbered(*side), "a").size) >= 1
