"""Draws the training pictures nearest to a prompt, found in their source by key."""

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
    """Return a grid with one row per prompt: its nearest training pictures, nearest first.

    Args:
        answers: The answers on the prompts.
        data: The model's data config, for the source of its pictures.

    Raises:
        MissingInput: The pictures are not on this machine.
        DataError: The pictures are a stream, or not those that the model was trained on.
    """
    keys = [[one.key for one in answer.neighbours] for answer in answers]
    found = pictures_of([key for row in keys for key in row], data)
    rows = [[found[key] for key in row] for row in keys]
    return grid(rows, row_names=[f"{one.prompt} ({one.verdict})" for one in answers])


def pictures_of(keys: Sequence[str], data: DataConfig) -> dict[str, Image.Image]:
    """Return training pictures by their keys, at the size that the model is trained on.

    Args:
        keys: Keys in any order, possibly repeated.
        data: The model's data config, for the source of its pictures.

    Raises:
        MissingInput: The pictures are not on this machine.
        DataError: The pictures are a stream, or not those that the model was trained on.
    """
    pictures = TrainingPictures(data)
    return {key: pictures[key] for key in keys}


class TrainingPictures:
    """The pictures that a model was trained on, by their keys, at the size it is trained on.

    Args:
        data: The model's data config, for the source of its pictures.

    Raises:
        MissingInput: The pictures are not on this machine.
        DataError: The pictures are a stream.
    """

    def __init__(self, data: DataConfig):
        self._source, self._data = _opened(data), data
        self._where = {self._source.key(i): i for i in range(len(self._source))}

    def __getitem__(self, key: str) -> Image.Image:
        """Return one picture.

        Raises:
            DataError: It is not there, or cannot be read.
        """
        if key not in self._where:
            raise DataError(
                f"{self._source.name} has no picture {key}",
                "these are not the pictures that the model was trained on",
            )
        return _small(self._source[self._where[key]], self._data)


def _opened(data: DataConfig) -> ImageSource:
    if data.source is None:
        raise MissingInput("the model does not record where its training pictures are")
    try:
        source = open_source(
            data.source,
            size=max(data.image_size),
            draw=data.draw,
            seed=data.draw_seed,
            background=data.background,
        )
    except UsageError as error:  # a packed model records only the name of a folder
        raise MissingInput(
            f"the model's training pictures, {data.source}, are not on this machine"
        ) from error
    if isinstance(source, Stream):
        raise DataError(f"{source.name} can only be read forward", "it is a stream")
    return source


def _small(picture: Image.Image, data: DataConfig) -> Image.Image:
    """Return a picture cropped and resized as in training."""
    return from_array(to_array(picture, data.image_size, data.channels, data.crop))
