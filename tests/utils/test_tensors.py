"""Tensors to pictures and back, and into files that are safe to open."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from ddpm_clip.utils.tensors import (
    from_picture,
    in_pixels,
    load_tensors,
    save_tensors,
    stack_pictures,
    to_float,
    to_picture,
    to_uint8,
)


def test_every_byte_makes_the_round_trip():
    pixels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_float(pixels)), pixels)
    assert to_float(pixels)[[0, -1]].tolist() == [-1.0, 1.0]


def test_values_out_of_range_are_clamped_and_halves_rounded():
    assert to_uint8(torch.tensor([-9.0, -1.0, 0.0, 1.0, 9.0])).tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_a_picture_makes_the_round_trip(channels, mode):
    x = torch.randint(0, 256, (channels, 6, 6), dtype=torch.uint8)
    picture = to_picture(to_float(x))
    assert picture.mode == mode
    assert torch.equal(from_picture(picture, 6, channels), x)


def test_a_picture_that_needs_gradients_can_still_be_drawn():
    x = torch.zeros(3, 4, 4, requires_grad=True)
    assert to_picture(x).size == (4, 4)


def test_rows_and_columns_are_not_mixed_up():
    pixels = np.zeros((5, 5, 3), dtype=np.uint8)
    pixels[1, 3] = (10, 20, 30)
    x = from_picture(Image.fromarray(pixels), 5, 3)
    assert x[:, 1, 3].tolist() == [10, 20, 30]
    assert x.sum() == 60


def test_pictures_of_any_size_and_mode_are_stacked():
    images = [Image.new("L", (9, 5), 255), Image.new("RGB", (4, 4)), Image.new("RGBA", (40, 40))]
    x = stack_pictures(images, 8, 3)
    assert x.shape == (3, 3, 8, 8)
    assert (x[0] == 1).all()
    assert stack_pictures(images, 8, 1).shape == (3, 1, 8, 8)


def test_tensors_make_the_round_trip_with_types_and_odd_strides(tmp_path):
    tensors = {
        "half": torch.randn(3).half(),
        "turned": torch.randn(2, 3).T,
        "last": torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last),
        "scalar": torch.tensor(7),
        "empty": torch.empty(0, 5),
    }
    save_tensors(tmp_path / "t.safetensors", tensors, {"by": "us"})
    again = load_tensors(tmp_path / "t.safetensors")
    assert again.keys() == tensors.keys()
    assert all(
        torch.equal(again[k], tensors[k]) and again[k].dtype == tensors[k].dtype for k in again
    )


@pytest.mark.parametrize(
    "data", [b"", b"not a tensor file", b"\x80\x04K\x01."], ids=["empty", "text", "pickle"]
)
def test_anything_else_is_a_value_error_that_names_the_file(tmp_path, data):
    (tmp_path / "t.safetensors").write_bytes(data)
    with pytest.raises(ValueError, match=r"t\.safetensors is not a valid safetensors file"):
        load_tensors(tmp_path / "t.safetensors")


def test_a_quarter_turn_in_pixels_turns_a_picture_that_is_not_square():
    """In the units of `affine_grid` it would squeeze the picture into the other shape."""
    x = torch.zeros(1, 1, 16, 24)
    x[0, 0, 5, 12:16] = 1  # a line to the right of the middle, above it
    turn = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]])
    grid = F.affine_grid(in_pixels(turn, 16, 24), [1, 1, 16, 24], align_corners=False)
    seen = F.grid_sample(x, grid, align_corners=False)[0, 0].round()
    assert seen.nonzero().tolist() == [[4, 9], [5, 9], [6, 9], [7, 9]]  # as long as before


def test_maps_of_squares_keep_every_bit():
    maps = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(in_pixels(maps, 28, 28), maps)
