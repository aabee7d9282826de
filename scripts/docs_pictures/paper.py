"""What the pictures of the docs share: cards with a title, strips of small pictures, small files.

A page shows a picture about 700 pixels wide; these are twice as wide, for sharp screens.
"""

import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from ddpm_clip.utils.plots import canvas

WIDTH, MARGIN, GAP, NAME = 1440, 28, 4, 300
"""Pixels of a card's width, around it, between two small pictures, and of a row's name at most."""

DPI = 200
"""Of plots: the 7.2 inches of a single panel fill a card."""

PAPER, INK, SOFT = "white", "#1f1f1f", "#5f5f5f"
TITLE, TEXT = 34, 27
"""Sizes of letters."""


ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "docs_pictures"
"""Where what the pictures are made of is kept: a trained run, an evaluation."""


class Missing(Exception):
    """What a picture needs is not on this machine."""


def run_command(*words: object) -> None:
    """Show a command as one would type it, then run it.

    Raises:
        CalledProcessError: it failed.
    """
    typed = [str(word) for word in words]
    print(f"$ {shlex.join(['ddpm-clip', *typed])}", flush=True)
    subprocess.run(
        [sys.executable, "-m", "ddpm_clip", *typed], check=True, stdout=subprocess.DEVNULL
    )


@cache
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The letters of the plots, which matplotlib brings along."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size)


@contextmanager
def sharp_plots() -> Iterator[None]:
    """Within, the plots of the package have as many pixels as a card."""
    usual, canvas.DPI = canvas.DPI, DPI
    try:
        yield
    finally:
        canvas.DPI = usual


def as_picture(figure: Figure) -> Image.Image:
    """A plot as pixels."""
    drawn = FigureCanvasAgg(figure)
    drawn.draw()
    return Image.fromarray(np.asarray(drawn.buffer_rgba())[..., :3])


def card(title: str, subtitle: str, *parts: Image.Image) -> Image.Image:
    """Parts below each other on paper, under a title and a sentence."""
    head = [text(title, TITLE, INK, bold=True), text(subtitle, TEXT, SOFT)]
    placed = [*(one for one in head if one is not None), *(_fitting(one) for one in parts)]
    high = sum(one.height for one in placed) + 14 * (len(placed) - 1) + MARGIN + 14
    sheet, top = Image.new("RGB", (WIDTH, high), PAPER), 14
    for one in placed:
        left = MARGIN if one.width <= WIDTH - 2 * MARGIN else max(0, (WIDTH - one.width) // 2)
        sheet.paste(one, (left, top))
        top += one.height + 14
    return sheet


def _fitting(part: Image.Image) -> Image.Image:
    if part.width <= WIDTH:
        return part
    size = WIDTH, round(part.height * WIDTH / part.width)
    return part.resize(size, Image.Resampling.LANCZOS)


def text(
    words: str, size: int, colour: str, *, bold: bool = False, width: int = WIDTH - 2 * MARGIN
) -> Image.Image | None:
    """Words, wrapped to a width; None where there are none."""
    if not words:
        return None
    letters = font(size, bold=bold)
    lines = wrapped(words, letters, width)
    image = Image.new("RGB", (width, round(1.35 * size) * len(lines) + 4), PAPER)
    pen = ImageDraw.Draw(image)
    for i, line in enumerate(lines):
        pen.text((0, i * round(1.35 * size)), line, colour, letters)
    return image


def wrapped(words: str, letters: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Words in lines of at most so many pixels, where no word alone is longer."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if letters.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def strip(
    rows: Sequence[Sequence[Image.Image]],
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
    *,
    above: str = "",
    most: int = 160,
) -> Image.Image:
    """Rows of equally large small pictures, enlarged to fill the width of a card.

    Args:
        rows: of pictures.
        row_names: on the left, one a row.
        column_names: above, one a column.
        above: what the names of the columns are, to the left of them.
        most: pixels of a picture's side at most.
    """
    letters = font(TEXT)
    names = [wrapped(name, letters, NAME) for name in row_names]
    words = [above, *(line for lines in names for line in lines)]
    left = round(max(letters.getlength(one) for one in words))
    left += 20 if left else 0
    columns = max(len(row) for row in rows)
    side = min((WIDTH - 2 * MARGIN - left) // columns - GAP, most)
    cell = side + GAP
    heads = ["\n".join(wrapped(name, letters, side)) for name in column_names]
    top = max((name.count("\n") + 1 for name in heads), default=0) * (TEXT + 6)
    top += 10 if top else 0
    sheet = Image.new("RGB", (left + columns * cell, top + len(rows) * cell), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((0, top - 6), above, SOFT, letters, anchor="ld")
    for j, name in enumerate(heads):
        place = (left + j * cell + side / 2, top - 6)
        pen.multiline_text(place, name, SOFT, letters, anchor="md", align="center", spacing=6)
    for i, wraps in enumerate(names):
        place = (0, top + i * cell + side / 2)
        pen.multiline_text(place, "\n".join(wraps), INK, letters, anchor="lm", spacing=6)
    for i, row in enumerate(rows):
        for j, one in enumerate(row):
            sheet.paste(enlarged(one, side), (left + j * cell, top + i * cell))
    return sheet


def enlarged(picture: Image.Image, side: int) -> Image.Image:
    """A small picture with visible pixels; where they cannot be whole, their edges are blended."""
    times = -(-side // picture.width)
    large = picture.convert("RGB").resize((picture.width * times,) * 2, Image.Resampling.NEAREST)
    return large if large.width == side else large.resize((side, side), Image.Resampling.BOX)


def few_colours(image: Image.Image, colours: int) -> Image.Image:
    """The picture with a palette of its own."""
    method = Image.Quantize.MAXCOVERAGE  # keeps the white of the paper
    return image.convert("RGB").quantize(colours, method, kmeans=3, dither=Image.Dither.NONE)


def save(image: Image.Image, path: Path, colours: int = 128) -> Path:
    """Write a PNG with a palette, which is a third of the size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    few_colours(image, colours).save(path, "PNG", optimize=True)
    return path
