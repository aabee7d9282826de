"""`generate`: paint pictures from prompts.

The values of the options are validated by the library, in `Settings`.
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
Gif = Annotated[bool, typer.Option("--gif", help="Also write a GIF of the denoising.")]


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
    """Paint pictures from prompts.

    ddpm-clip generate "a red rose" "a white daisy" -n 4 --seed 7
    ddpm-clip generate "a six" --model digits --guidance 1,2,4 --out six.png

    Writes one PNG per picture as they are finished, then a grid, and prints the paths of the
    pictures. If it is interrupted, the same command paints only the missing ones. Picture j of
    every prompt has seed S + j, and does not depend on what else is painted in the same call.
    """
    from ddpm_clip.generation.files import paint_files

    wordless = unconditional and not clip_guidance
    if prompts and wordless:
        raise UsageError(
            "prompts and --unconditional are both given",
            "no prompt would be used",
            "give only one of them, or --clip-guidance 1 as well",
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
            f"{tti.model.name} is unconditional, but a prompt is given",
            "it was trained without any condition",
            "use --unconditional, or CLIP guidance: --clip-guidance 1",
        )
    watched(paint_files(tti, asked, settings, session.folder, gif=gif), told=session.told)
    session.show()
