"""Plots come out as PNG, whatever is in their panels."""

import pytest
from PIL import Image

from ddpm_clip.utils.plots.curves import Line, Plot, draw_plots


@pytest.mark.slow
def test_lines_bands_guides_and_bars_make_one_picture(tmp_path):
    lines = [
        Line("a", [1, 10, 1000], [1, 2, 3], [0.5, 1, 2], [2, 3, 4]),
        Line("a", [1, 10], [2, 2], style="dots"),
        Line("limit", [1, 1000], [3, 3], style="guide"),
    ]
    bars = {"one": [("x", 1.0), ("y", 2.0)], "two": [("x", 0.5), ("y", 0.0)]}
    path = draw_plots(
        [
            Plot("lines", "x", "y", lines, xscale="log", yscale="log"),
            Plot("bars", bars=bars),
            Plot("third", lines=lines[:1], ylim=(0, 5)),
        ],
        tmp_path / "new" / "plot.png",
    )
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.width > 900  # two beside each other
        assert len(image.convert("RGB").getcolors(2**20)) > 10


@pytest.mark.slow
def test_one_panel_is_narrower_than_two(tmp_path):
    one = Plot("", lines=[Line("a", [1, 2], [1, 2])])
    widths = []
    for n in (1, 2):
        with Image.open(draw_plots([one] * n, tmp_path / f"{n}.png")) as image:
            widths.append(image.width)
    assert widths[0] < widths[1]
