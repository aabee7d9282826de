"""`blend`: paint a weighted mixture of prompts and pictures."""

from typing import Annotated

import typer

from ddpm_clip.cli.edit_session import open_session
from ddpm_clip.cli.painting_command import PaintingArguments, painting_command

Parts = Annotated[
    list[str],
    typer.Argument(metavar="PART[:WEIGHT]...", help="Prompts, or pictures (.png, .jpg, …)."),
]


@painting_command()
def blend(parts: Parts, *, args: PaintingArguments) -> None:
    """Paint a weighted mixture of prompts or pictures.

    ddpm-clip blend "a red rose:0.7" "a white daisy:0.3"
    ddpm-clip blend rose.png "a blue violet:0.5" "a tulip:-0.3"

    Only the proportions of the weights matter (default: 1); a negative weight steers away.
    """
    from ddpm_clip.config.limits import checked_weights
    from ddpm_clip.editing import blend, read_idea
    from ddpm_clip.generation.files import sheet_of

    weighted = [part_of(part) for part in parts]
    checked_weights([weight for _, weight in weighted])
    session = open_session(args)
    ideas = [(read_idea(text, session.tti.model), weight) for text, weight in weighted]
    session.finish(
        blend(session.tti, ideas, session.settings),
        lambda painted: sheet_of(painted, session.settings),
    )


def part_of(text: str) -> tuple[str, float]:
    """Split `a red rose:0.7` into idea and weight; without a number, the weight is 1."""
    idea, colon, weight = text.rpartition(":")
    try:
        return (idea, float(weight)) if colon else (text, 1.0)
    except ValueError:
        return text, 1.0
