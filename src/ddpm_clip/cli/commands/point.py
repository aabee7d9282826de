"""`point`: paint from points of the map of a model's pictures."""

from typing import Annotated

import typer

from ddpm_clip.cli.edit_session import open_session
from ddpm_clip.cli.painting_command import PaintingArguments, painting_command
from ddpm_clip.cli.painting_options import WHOLE
from ddpm_clip.errors import UsageError

Points = Annotated[
    list[str], typer.Option("--at", metavar="X,Y", help="A point; repeatable.", show_default=False)
]
Frames = Annotated[
    int | None, typer.Option(help="Paint so many pictures on the path through the points.", **WHOLE)
]


@painting_command(n=1)
def point(at: Points, frames: Frames = None, *, args: PaintingArguments) -> None:
    """Paint from points of the map of a model's pictures.

    ddpm-clip point --at 3,-1 --model digits -n 4
    ddpm-clip point --at=-6,0 --at 6,0 --frames 9 --model digits

    The map is the plane of the first two principal axes of what the model's CLIP sees in its
    pictures; `studio` shows it. No words are used.
    """
    from ddpm_clip.editing.points import paint_points
    from ddpm_clip.generation.files import sheet_of

    points = [_point(text) for text in at]
    session = open_session(args)
    work = paint_points(session.tti, points, session.settings, frames=frames)
    session.finish(work, lambda painted: sheet_of(painted, session.settings))


def _point(text: str) -> list[float]:
    """Return the numbers of a text like `1.5,-2`.

    Raises:
        UsageError: It is something else.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(
            f"at = {text[:40]!r} is not a point of the map",
            "a point is two numbers, x and y",
            "give one, such as --at 1.5,-2",
            param="at",
        ) from error
