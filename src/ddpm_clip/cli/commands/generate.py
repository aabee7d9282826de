"""`generate`: words on the command line to PNG files.

Reads the options as text; what their values may be is judged by the library's `Settings`.
"""

from typing import Annotated

import typer

from ddpm_clip.cli.edit_session import open_session
from ddpm_clip.cli.painting_command import PaintingArguments, painting_command
from ddpm_clip.cli.painting_options import (
    ClipGuidance,
    ClipGuide,
    ClipTravel,
    Size,
    Unconditional,
    used_prompts,
)
from ddpm_clip.cli.progress import watched
from ddpm_clip.errors import UsageError

Prompts = Annotated[
    list[str] | None, typer.Argument(metavar="PROMPT...", help="What to paint.", show_default=False)
]
Gif = Annotated[bool, typer.Option("--gif", help="Write the denoising as a GIF.")]


@painting_command()
def generate(
    prompts: Prompts = None,
    *,
    args: PaintingArguments,
    unconditional: Unconditional = False,
    clip_guidance: ClipGuidance = None,
    clip_guide: ClipGuide = None,
    clip_travel: ClipTravel = None,
    size: Size = None,
    gif: Gif = False,
) -> None:
    """Paint pictures from words.

    ddpm-clip generate "a red rose" "a white daisy" -n 4 --seed 7
    ddpm-clip generate "a six" --model digits --guidance 1,2,4 --out six.png

    Writes a PNG a picture and a grid, and prints the pictures' paths. Picture j of every prompt
    has seed S + j and looks the same whatever else is painted beside it.
    """
    from ddpm_clip.generation.files import paint_files

    wordless = unconditional and not clip_guidance
    if prompts and wordless:
        raise UsageError(
            "prompts and --unconditional are both given",
            "no words would be used",
            "give one of them, or --clip-guidance 1 as well",
        )
    asked = [] if wordless else used_prompts(prompts or [])
    session = open_session(
        args,
        unconditional=unconditional or None,
        clip_guidance=clip_guidance,
        clip_guide=clip_guide,
        clip_travel=clip_travel,
        size=size,
    )
    tti, settings = session.tti, session.settings
    if asked and settings.wordless:
        raise UsageError(
            f"{tti.model.name} paints without words, and a prompt is given",
            "it was trained without any condition",
            "--unconditional, or let a CLIP guide: --clip-guidance 1",
        )
    metadata = not args.no_metadata
    session.show(watched(paint_files(tti, asked, settings, args.out, gif=gif, metadata=metadata)))
