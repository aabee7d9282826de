"""Draw panels as pictures, or several of them as one sheet."""

import io
import math
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ddpm_clip.explain.panels.kinds import Bars, Curve, Heatmap, Panel, Strip, Table
from ddpm_clip.utils.plots import curves, maps
from ddpm_clip.utils.tensors import to_picture
from ddpm_clip.utils.visualization import INK, PAPER, grid

WIDTH = 900
"""Width in pixels at which text on a sheet is wrapped."""

LONGEST_CELL = 60


def draw(panel: Panel) -> Image.Image:
    """Draw a panel as a picture, including its title."""
    if isinstance(panel, Strip):
        return _titled(strip_picture(panel), panel.title)
    if isinstance(panel, Table):
        return _titled(_table(panel), panel.title)
    with Image.open(io.BytesIO(plotted(panel))) as image:
        return image.convert("RGB")


def plotted(panel: Curve | Bars | Heatmap) -> bytes:
    """Plot a panel that has axes; return the bytes of a PNG."""
    with tempfile.TemporaryDirectory() as folder:
        return _plot(panel, Path(folder) / "panel.png").read_bytes()


def cell(value: str | float | int) -> str:
    """Return the text of a table cell: numbers with three digits.

    >>> cell(0.123456), cell(12), cell("six"), cell(float("nan"))
    ('0.123', '12', 'six', '')
    """
    if isinstance(value, float):
        return f"{value:.3g}" if math.isfinite(value) else ""
    return str(value)


def sheet(title: str, caption: str, panels: Sequence[Panel], verdict: str) -> Image.Image:
    """Draw all panels below each other, with title and caption above and the verdict below."""
    parts = [_words(title, 20), _words(caption, 14)]
    for panel in panels:
        parts.append(draw(panel))
        parts += [_words(panel.note, 13)] if panel.note else []
    return _stacked([*parts, _words(verdict, 14)])


def display(image: Image.Image, title: str) -> None:
    """Show a picture below a notebook's cell, or in the system's viewer."""
    try:
        from IPython import display as notebook
        from IPython import get_ipython
    except ImportError:
        image.show(title)
        return
    if get_ipython() is None:
        image.show(title)
    else:
        notebook.display(image)


def _plot(panel: Curve | Bars | Heatmap, path: Path) -> Path:
    if isinstance(panel, Heatmap):
        return maps.heat_map(
            panel.values.tolist(),
            panel.row_names,
            panel.column_names,
            path,
            label=panel.label,
            title=panel.title,
            xlabel=panel.xlabel,
            ylabel=panel.ylabel,
            numbers=panel.numbers,
            diverging=panel.diverging,
        )
    if isinstance(panel, Bars):
        pairs = list(zip(panel.names, panel.values, strict=True))
        spans = list(zip(panel.low, panel.high, strict=True))
        part = curves.Plot(panel.title, panel.xlabel, bars={"": pairs}, spans=spans)
        return curves.draw_plots([part], path, height=1.2 + 0.32 * len(pairs))
    part = curves.Plot(
        panel.title,
        panel.xlabel,
        panel.ylabel,
        panel.lines,
        xscale=panel.xscale,
        yscale=panel.yscale,
        ylim=panel.ylim,
        reverse=panel.reverse,
    )
    return curves.draw_plots([part], path)


def strip_picture(panel: Strip) -> Image.Image:
    """Draw a strip as a picture, without its title."""
    rows = [[to_picture(x) for x in row] for row in panel.images.float()]
    # the more columns, the smaller the pictures, so that the strip fits on a page
    columns = max(len(row) for row in rows)
    high, side = panel.images.shape[-2:]
    room = WIDTH - (8 * min(22, max(map(len, panel.row_names), default=0)))
    zoom = max(1, min(round(72 / max(high, side)), room // (columns * (side + 1))))
    names = [name[: max(2, zoom * side // 6)] for name in panel.column_names]
    return grid(rows, row_names=panel.row_names, column_names=names, zoom=zoom)


def _table(panel: Table) -> Image.Image:
    rows = [list(panel.columns), *([cell(one)[:LONGEST_CELL] for one in row] for row in panel.rows)]
    font = ImageFont.load_default(14)
    wide = [max(int(font.getlength(row[j])) for row in rows) + 24 for j in range(len(rows[0]))]
    image = Image.new("RGB", (sum(wide) + 16, 22 * len(rows) + 12), PAPER)
    pen = ImageDraw.Draw(image)
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            pen.text((12 + sum(wide[:j]), 6 + 22 * i), text, INK if i else "#666666", font)
    pen.line([(8, 27), (image.width - 8, 27)], "#bbbbbb")
    return image


def _titled(image: Image.Image, title: str) -> Image.Image:
    return _stacked([_words(title, 15, image.width), image]) if title else image


def _words(text: str, size: int, width: int = WIDTH) -> Image.Image:
    font = ImageFont.load_default(size)
    letters = max(20, int(max(width, 320) / font.getlength("n" * 20) * 21))
    lines = textwrap.wrap(text, letters)
    high = (size + 5) * len(lines) + 8
    across = max((int(font.getlength(line)) for line in lines), default=0) + 16
    image = Image.new("RGB", (across, high), PAPER)
    ImageDraw.Draw(image).multiline_text((8, 4), "\n".join(lines), INK, font, spacing=5)
    return image


def _stacked(parts: Sequence[Image.Image]) -> Image.Image:
    whole = Image.new(
        "RGB", (max(one.width for one in parts), sum(one.height for one in parts)), PAPER
    )
    top = 0
    for one in parts:
        whole.paste(one, (0, top))
        top += one.height
    return whole
