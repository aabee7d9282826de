"""`interpolate`: paint the transition between two prompts or pictures, as a strip."""

from typing import Annotated

import typer

from ddpm_clip.cli.edit_session import open_session
from ddpm_clip.cli.painting_command import PaintingArguments, painting_command
from ddpm_clip.cli.painting_options import WHOLE

End = Annotated[str, typer.Argument(help="A prompt; or a picture, if it ends in .png, .jpg, …")]
Frames = Annotated[int, typer.Option(help="Number of pictures, both ends included.", **WHOLE)]
Gif = Annotated[bool, typer.Option("--gif", help="Also write a GIF, forwards and back.")]


@painting_command(n=1)
def interpolate(
    a: End, b: End, frames: Frames = 9, *, args: PaintingArguments, gif: Gif = False
) -> None:
    """Paint the transition from one prompt or picture to another.

    ddpm-clip interpolate "a red rose" "a blue violet" --gif
    ddpm-clip interpolate six.png "a nine" --model digits -n 3 --frames 7

    All pictures of a row share their noise; the first and the last are what `generate` paints.
    """
    from ddpm_clip.config.limits import checked_frames
    from ddpm_clip.editing import interpolate, morph, read_idea, strip

    checked_frames(frames)
    session = open_session(args)
    first, last = read_idea(a, session.tti.model), read_idea(b, session.tti.model)
    work = interpolate(session.tti, first, last, session.settings, frames=frames)
    session.finish(work, strip, morph if gif else None)
