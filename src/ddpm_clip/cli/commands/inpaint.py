"""`inpaint`: repaint the masked part of a picture."""

from pathlib import Path
from typing import Annotated

import typer

from ddpm_clip.cli.edit_session import MaybePrompt, PictureFile, asked_prompt, open_session
from ddpm_clip.cli.painting_command import PaintingArguments, painting_command
from ddpm_clip.cli.painting_options import WHOLE, Unconditional

MaskFile = Annotated[
    Path, typer.Option("--mask", help="As large as the picture; white is repainted.")
]

Rounds = Annotated[
    int, typer.Option(help="How often each step is taken: more fits better, costs more.", **WHOLE)
]


@painting_command()
def inpaint(
    picture: PictureFile,
    mask: MaskFile,
    prompt: MaybePrompt = None,
    rounds: Rounds = 5,
    *,
    args: PaintingArguments,
    unconditional: Unconditional = False,
) -> None:
    """Repaint part of a picture.

    ddpm-clip inpaint rose.png --mask hole.png "a red rose"
    ddpm-clip inpaint six.png --mask hole.png --unconditional --model digits

    What is black in the mask stays bit-exactly as it is, at the size of the model's pictures.
    """
    from ddpm_clip.config.limits import checked_rounds
    from ddpm_clip.editing import beside, inpaint, open_mask, open_picture

    checked_rounds(rounds)
    asked = asked_prompt(prompt, unconditional)
    session = open_session(args, unconditional=unconditional or None)
    given = open_picture(picture, session.tti.model)
    paint = open_mask(mask, given, session.tti.model)
    work = inpaint(session.tti, given, paint, asked, session.settings, rounds=rounds)
    session.finish(work, lambda painted: beside(given, painted, paint))
