"""Pictures and masks are cut as in training, and what cannot be used is refused by its kind."""

import numpy as np
import pytest
import torch
from PIL import Image

from ddpm_clip.data.pictures.images import BadImage, to_array
from ddpm_clip.editing import open_mask, open_picture
from ddpm_clip.errors import DataError, MissingInput
from ddpm_clip.utils.tensors import to_uint8


@pytest.fixture
def wide(tmp_path):
    """A colour picture of 80x60 whose columns differ."""
    pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    path = tmp_path / "wide.png"
    Image.fromarray(pixels).save(path)
    return path


def halves(size, white_from):
    mask = Image.new("L", size, 0)
    mask.paste(255, (white_from, 0, *size))
    return mask


def test_a_picture_is_the_crop_that_training_takes(tti, wide):
    picture = open_picture(wide, tti.model)
    with Image.open(wide) as image:
        wanted = to_array(image.convert("L"), 28, 1)
    assert np.array_equal(to_uint8(picture.x).numpy(), wanted)
    assert picture.image.size == (60, 60)
    assert picture.whole == (80, 60)
    assert picture.name == "wide.png"


def test_a_picture_of_the_models_size_keeps_every_pixel(tti):
    pixels = np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)
    x = open_picture(Image.fromarray(pixels), tti.model).x
    assert np.array_equal(to_uint8(x)[0].numpy(), pixels)


def test_the_digest_follows_the_pixels(tti, wide):
    with Image.open(wide) as image:
        same, other = image.copy(), image.rotate(180)
    digests = [open_picture(picture, tti.model).digest for picture in (wide, same, other)]
    assert digests[0] == digests[1] != digests[2]
    assert len(digests[0]) == 16


def test_a_mask_is_cut_like_its_picture(tti, wide):
    picture = open_picture(wide, tti.model)
    paint = open_mask(halves((80, 60), 40), picture, tti.model)  # white from the middle on
    assert paint.shape == (1, 28, 28)
    assert paint.dtype == torch.bool
    assert not paint[:, :, :14].any()
    assert paint[:, :, 14:].all()


def test_what_is_transparent_in_a_mask_is_kept(tti, six, tmp_path):
    mask = Image.new("RGBA", (28, 28), (255, 255, 255, 0))
    mask.paste((255, 255, 255, 255), (0, 0, 28, 7))
    mask.save(tmp_path / "mask.png")
    for given in (tmp_path / "mask.png", mask):
        assert open_mask(given, six, tti.model).sum().item() == 7 * 28


def test_behind_what_is_transparent_lies_the_colour_of_the_training(tti, tmp_path):
    picture = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 28, 7))
    picture.save(tmp_path / "picture.png")
    file, given = (open_picture(one, tti.model).x for one in (tmp_path / "picture.png", picture))
    assert torch.equal(file, given)
    assert given[0, 0, 0] != given[0, -1, 0]


def test_a_mask_of_another_size_is_refused_with_both_sizes(tti, wide):
    picture = open_picture(wide, tti.model)
    with pytest.raises(DataError, match=r"60x60.*\n.*80x60") as refused:
        open_mask(halves((60, 60), 30), picture, tti.model)
    assert refused.value.param == "mask"


@pytest.mark.parametrize("grey", [0, 127])
def test_a_mask_without_white_is_refused(tti, six, grey):
    with pytest.raises(DataError, match="nothing to paint"):
        open_mask(Image.new("L", (28, 28), grey), six, tti.model)


def test_a_file_that_is_not_there_and_one_that_is_no_picture(tti, tmp_path):
    with pytest.raises(MissingInput, match=r"no picture .*gone\.png"):
        open_picture(tmp_path / "gone.png", tti.model)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(BadImage, match=r"text\.png"):
        open_picture(tmp_path / "text.png", tti.model)
