"""The training pictures near a prompt, to look at: from keys back to the source that has them.

Knows nothing of verdicts.
"""

from collections.abc import Sequence

from PIL import Image

from ddpm_clip.config.schema import DataConfig
from ddpm_clip.coverage.prompt_coverage import CoverageAnswer
from ddpm_clip.data.pictures.images import from_array, to_array
from ddpm_clip.data.remote.streams import Stream
from ddpm_clip.data.sources import open_source
from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.types import ImageSource
from ddpm_clip.utils.visualization import grid


def sheet(answers: Sequence[CoverageAnswer], data: DataConfig) -> Image.Image:
    """A row a prompt: its nearest training pictures, nearest first.

    Args:
        answers: what was asked.
        data: where the model's pictures are.

    Raises:
        MissingInput: the pictures are not here. DataError: they can be read once only, or are
            not those that the model learned from.
    """
    keys = [[one.key for one in answer.neighbours] for answer in answers]
    found = pictures_of([key for row in keys for key in row], data)
    rows = [[found[key] for key in row] for row in keys]
    return grid(rows, row_names=[f"{one.prompt} ({one.verdict})" for one in answers])


def pictures_of(keys: Sequence[str], data: DataConfig) -> dict[str, Image.Image]:
    """Training pictures by their keys, as large as the model sees them.

    Args:
        keys: in any order; one may be named twice.
        data: where the model's pictures are.

    Raises:
        MissingInput: the pictures are not here. DataError: they can be read once only, or are
            not those that the model learned from.
    """
    source, wanted = _opened(data), set(keys)
    where = {source.key(i): i for i in range(len(source)) if source.key(i) in wanted}
    if absent := sorted(wanted - where.keys()):
        raise DataError(
            f"{source.name} has no picture {absent[0]}",
            "these are not the pictures that the model learned from",
        )
    return {key: _small(source[i], data) for key, i in where.items()}


def _opened(data: DataConfig) -> ImageSource:
    if data.source is None:
        raise MissingInput("the model does not say where its pictures are")
    try:
        source = open_source(
            data.source,
            size=data.image_size,
            draw=data.draw,
            seed=data.draw_seed,
            background=data.background,
        )
    except UsageError as error:  # a packed model has the name of a folder, and not its place
        raise MissingInput(f"the model's pictures, {data.source}, are not here") from error
    if isinstance(source, Stream):
        raise DataError(f"{source.name} can be read once only", "it is a stream")
    return source


def _small(picture: Image.Image, data: DataConfig) -> Image.Image:
    """Cut and resized as the model saw it."""
    return from_array(to_array(picture, data.image_size, data.channels, data.crop))
