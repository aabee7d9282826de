"""Grids and GIFs: where each picture is, and how long it is shown."""

import io

import pytest
import torch
from PIL import Image, ImageSequence

from ddpm_clip.utils.visualization import encoded_gif, grid, save_animation, save_gif, tensor_grid

COLOURS = ("red", "lime", "blue", "white", "black", "yellow")


def pictures(n):
    return [Image.new("RGB", (4, 4), colour) for colour in COLOURS[:n]]


def durations(data):
    with Image.open(io.BytesIO(data)) as image:
        return [frame.info["duration"] for frame in ImageSequence.Iterator(image)]


def test_a_gif_plays_for_ever_and_holds_its_last_frame():
    data = encoded_gif(pictures(4), interval=70, hold=1500)
    assert durations(data) == [70, 70, 70, 1500]
    assert Image.open(io.BytesIO(data)).info["loop"] == 0


@pytest.mark.parametrize(
    ("write", "wanted"),
    [
        (lambda path: save_gif(pictures(3), path), [100, 100, 2000]),
        (lambda path: save_animation(pictures(3), path), [300, 300, 5000]),
    ],
    ids=["save_gif", "save_animation"],
)
def test_without_a_word_a_gif_is_held_for_seconds(tmp_path, write, wanted):
    assert durations(write(tmp_path / "new" / "x.gif").read_bytes()) == wanted


def test_a_grid_is_filled_row_by_row():
    x = torch.linspace(-1, 1, 5).view(5, 1, 1, 1).expand(-1, 1, 4, 4)
    sheet = tensor_grid(x, 3, zoom=1, gap=0).convert("L")
    assert sheet.size == (12, 8)
    found = [
        sheet.getpixel((4 * column + 1, 4 * row + 1)) for row in range(2) for column in range(3)
    ]
    assert found == [0, 64, 128, 191, 255, 255], "an empty cell is paper"


def test_names_take_room_beside_the_pictures():
    plain, named = grid([pictures(2)], zoom=2), grid([pictures(2)], zoom=2, row_names=["a red one"])
    assert named.height == plain.height
    assert named.width - plain.width == 8 * 9 + 8 - 2
    right = named.crop((named.width - plain.width + 2, 0, *named.size))
    assert right.getpixel((1, 3)) == (255, 0, 0)
