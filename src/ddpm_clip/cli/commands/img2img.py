"""`img2img`: paint over a picture with a prompt."""

from typing import Annotated

import typer

from ddpm_clip.cli.edit_session import MaybePrompt, PictureFile, asked_prompt, open_session
from ddpm_clip.cli.painting_command import PaintingArguments, painting_command
from ddpm_clip.cli.painting_options import NUMBER, Unconditional

Strength = Annotated[float, typer.Option(help="0 keeps the picture, 1 ignores it.", **NUMBER)]


@painting_command()
def img2img(
    picture: PictureFile,
    prompt: MaybePrompt = None,
    strength: Strength = 0.6,
    *,
    args: PaintingArguments,
    unconditional: Unconditional = False,
) -> None:
    """Paint over a picture.

    ddpm-clip img2img rose.png "a purple tulip" --strength 0.6

    The picture is noised part of the way, then denoised with the prompt: coarse structure stays,
    detail follows the prompt. The higher the strength, the more follows the prompt.
    """
    from ddpm_clip.config.limits import checked_strength
    from ddpm_clip.editing import beside, img2img, open_picture

    checked_strength(strength)
    asked = asked_prompt(prompt, unconditional)
    session = open_session(args, unconditional=unconditional or None)
    given = open_picture(picture, session.tti.model)
    work = img2img(session.tti, given, asked, session.settings, strength=strength)
    session.finish(work, lambda painted: beside(given, painted))
