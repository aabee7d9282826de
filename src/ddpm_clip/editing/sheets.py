"""Contact sheets of edited pictures, and the frames of a morph."""

from collections.abc import Sequence

from PIL import Image
from torch import Tensor

from ddpm_clip.editing.pictures import Picture
from ddpm_clip.generation.files import LONGEST_ROW
from ddpm_clip.generation.request import Painted
from ddpm_clip.utils.tensors import to_picture
from ddpm_clip.utils.visualization import grid


def beside(
    picture: Picture, painted: Sequence[Painted], paint: Tensor | None = None
) -> Image.Image:
    """Show the given picture, what a mask `paint` (1, h, w) keeps of it, and the results."""
    names, first = ["source"], [to_picture(picture.x)]
    if paint is not None:
        names.append("kept")
        first.append(to_picture(picture.x.masked_fill(paint, 0.0)))
    pictures = first + [one.image for one in painted]
    rows = [pictures[i : i + LONGEST_ROW] for i in range(0, len(pictures), LONGEST_ROW)]
    return grid(rows, column_names=names)


def strip(painted: Sequence[Painted]) -> Image.Image:
    """Show the frames of `interpolate` from left to right, one row per seed and scale."""
    rows = _rows(painted)
    several = len({row[0].request.guidance for row in rows}) > 1
    return grid(
        [[one.image for one in row] for row in rows],
        row_names=[_name(row[0], several) for row in rows] if len(rows) > 1 else (),
        column_names=[f"{one.request.facts['share']:.2f}" for one in rows[0]],
    )


def morph(painted: Sequence[Painted]) -> list[Image.Image]:
    """Return the frames of `interpolate` as an animation, forwards and back."""
    rows = _rows(painted)
    forwards = [grid([[row[j].image] for row in rows]) for j in range(len(rows[0]))]
    return forwards + forwards[-2::-1]


def _rows(painted: Sequence[Painted]) -> list[list[Painted]]:
    """Group the frames into interpolations; each begins with share 0."""
    rows: list[list[Painted]] = []
    for one in painted:
        if one.request.facts["share"] == 0:
            rows.append([])
        rows[-1].append(one)
    return rows


def _name(one: Painted, several: bool) -> str:
    return f"seed {one.request.seed}" + (f" · s = {one.request.guidance:g}" if several else "")
