"""`vary`: paint variations of a picture."""

from typing import Annotated

import typer

from ddpm_clip.cli.edit_session import PictureFile, open_session
from ddpm_clip.cli.painting_command import PaintingArguments, painting_command
from ddpm_clip.cli.painting_options import NUMBER

Strength = Annotated[
    float, typer.Option(help="Noise on its embedding, 0 (none) to 1 (most).", **NUMBER)
]


@painting_command()
def vary(picture: PictureFile, strength: Strength = 0.0, *, args: PaintingArguments) -> None:
    """Paint variations of a picture.

    ddpm-clip vary rose.png -n 8 --seed 7
    ddpm-clip vary six.png --model digits --strength 0.5 --out sixes

    What the model's CLIP captures of the picture stays; everything else is new. Needs a model whose
    embedder can embed pictures.
    """
    from ddpm_clip.config.limits import checked_strength
    from ddpm_clip.editing import beside, open_picture, vary

    checked_strength(strength)
    session = open_session(args)
    given = open_picture(picture, session.tti.model)
    work = vary(session.tti, given, session.settings, strength=strength)
    session.finish(work, lambda painted: beside(given, painted))
