"""Makes pictures from tensors: grids with captions, and GIFs, with Pillow only.

Pixels are in [-1, 1] on the tensor side. Files of sheets, figures and animations say that they are
ours (`MARK`), so that they are not trained on if they lie among a user's pictures.
"""

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from ddpm_clip.utils.tensors import to_picture

PAPER, INK = "white", "black"
TEXT_SIZE = 13

MARK = "ddpm_clip"
"""Text `Software` of a PNG, and comment of a GIF, that this package made."""


def to_image(x: Tensor) -> Image.Image:
    """Convert a picture (c, h, w), or the first of a batch (b, c, h, w), in [-1, 1] to PIL."""
    return to_picture(x[0] if x.ndim == 4 else x)


def zoom_for(side: int, wanted: int = 96) -> int:
    """Return the factor by which a small picture is enlarged to about `wanted` pixels."""
    return max(1, round(wanted / side))


def grid(
    rows: Sequence[Sequence[Image.Image]],
    *,
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
    zoom: int | None = None,
    gap: int = 2,
) -> Image.Image:
    """Return a grid of pictures of equal size, with names on the left and on top.

    Args:
        rows: Rows of pictures, at least one; short rows leave empty cells.
        row_names: One name per row; long names are wrapped.
        column_names: One name per column.
        zoom: Integer factor of enlargement, without smoothing; None chooses one.
        gap: Pixels between pictures.
    """
    width, height = rows[0][0].size
    zoom = zoom_for(max(width, height)) if zoom is None else zoom
    cell = (width * zoom + gap, height * zoom + gap)
    left = 8 * min(22, max(map(len, row_names), default=0)) + 8 if row_names else gap
    top = TEXT_SIZE + 8 if column_names else gap
    columns = max(len(row) for row in rows)
    sheet = Image.new("RGB", (left + columns * cell[0], top + len(rows) * cell[1]), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT_SIZE)
    for j, name in enumerate(column_names):
        draw.text((left + j * cell[0], 2), name, INK, font)
    for i, row in enumerate(rows):
        if row_names:
            lines = textwrap.wrap(row_names[i], 22)[: max(1, cell[1] // (TEXT_SIZE + 3))]
            draw.multiline_text((4, top + i * cell[1] + 2), "\n".join(lines), INK, font)
        for j, picture in enumerate(row):
            large = picture.resize((width * zoom, height * zoom), Image.Resampling.NEAREST)
            sheet.paste(large.convert("RGB"), (left + j * cell[0], top + i * cell[1]))
    return sheet


def tensor_grid(x: Tensor, columns: int, **options: object) -> Image.Image:
    """Return a grid of x (n, c, h, w) with `columns` pictures per row; options as in `grid`."""
    pictures = [to_picture(one) for one in x]
    rows = [pictures[i : i + columns] for i in range(0, len(pictures), columns)]
    return grid(rows, **options)  # type: ignore[arg-type]


def save_gif(
    frames: Sequence[Image.Image], path: str | Path, *, interval: int = 100, hold: int = 2000
) -> Path:
    """Write a looping GIF.

    Args:
        frames: Pictures of equal size.
        path: Path of the GIF.
        interval: Duration of a frame in milliseconds.
        hold: Duration of the last frame in milliseconds.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded_gif(frames, interval=interval, hold=hold))
    return path


def encoded_gif(frames: Sequence[Image.Image], *, interval: int = 100, hold: int = 2000) -> bytes:
    """Return the bytes of the looping GIF that `save_gif` writes."""
    durations, buffer = [interval] * (len(frames) - 1) + [hold], io.BytesIO()
    frames[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        comment=MARK.encode(),
    )
    return buffer.getvalue()


def encoded_png(image: Image.Image) -> bytes:
    """Return the bytes of a PNG whose only text says that it is ours."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=own_texts())
    return buffer.getvalue()


def own_texts() -> PngInfo:
    """Return the texts of a PNG that say that it is ours."""
    texts = PngInfo()
    texts.add_text("Software", MARK)
    return texts


def save_png(image: Image.Image, path: str | Path) -> Path:
    """Write the PNG of `encoded_png`, creating its folder, and return the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded_png(image))
    return path


def save_animation(
    xs: Sequence[Tensor | Image.Image],
    gif_name: str | Path,
    interval: int = 300,
    repeat_delay: int = 5000,
) -> Path:
    """Write the GIF of earlier projects from pictures or tensors; a batch becomes a square grid."""
    frames = [x if isinstance(x, Image.Image) else _frame(x) for x in xs]
    return save_gif(frames, gif_name, interval=interval, hold=repeat_delay)


def generation_image(
    images: Tensor, text_list: Sequence[str], w: Sequence[float], save_path: str | Path
) -> Path:
    """Write the grid of earlier projects: one row per guidance weight, one column per prompt.

    Args:
        images: Pictures (len(w), len(text_list), c, h, w), or with the first two axes flattened.
        text_list: The prompts.
        w: Guidance weights; w = guidance scale - 1.
        save_path: Path of the PNG.
    """
    flat = images.flatten(0, 1) if images.ndim == 5 else images
    sheet = tensor_grid(
        flat,
        len(text_list),
        row_names=[f"w = {weight:g}" for weight in w],
        column_names=[text[:14] for text in text_list],
    )
    return save_png(sheet, save_path)


def _frame(x: Tensor) -> Image.Image:
    x = x[None] if x.ndim == 3 else x
    return tensor_grid(x, max(1, round(len(x) ** 0.5)))
