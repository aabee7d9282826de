"""`sample`: paint pictures like those a model learned from, without words."""

from ddpm_clip.cli.edit_session import open_session
from ddpm_clip.cli.painting_command import PaintingArguments, painting_command


@painting_command(n=16)
def sample(*, args: PaintingArguments) -> None:
    """Paint pictures like those a model learned from, without words.

    ddpm-clip sample --model digits
    ddpm-clip sample --model runs/photos -n 64 --seed 7 --guidance 1.5

    What each picture shows is drawn at random, as often as the model's pictures show it. Needs a
    model that was trained with conditions and keeps the embeddings of its pictures; for others
    there is `generate --unconditional`.
    """
    from ddpm_clip.editing.variation import sample as samples
    from ddpm_clip.generation.files import sheet_of

    session = open_session(args)
    work = samples(session.tti, session.settings)
    session.finish(work, lambda painted: sheet_of(painted, session.settings))
