"""Painting a picture again from what its PNG records: what `trace` and `reproduce` have in common.

The file is written to a folder of its own for as long as it is read, because the library reads
pictures from files; its path is in no message.
"""

import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ddpm_clip.errors import DataError, DdpmClipError
from ddpm_clip.server.kinds.edits import pixels
from ddpm_clip.server.service.events import Event, step
from ddpm_clip.server.service.fields import Identifier, JobRequest
from ddpm_clip.server.service.kind import Context
from ddpm_clip.studio.kinds.origins import Origin

if TYPE_CHECKING:
    from ddpm_clip.generation.text_to_image import TextToImage
    from ddpm_clip.reproducing.reproduction import Reproduction
    from ddpm_clip.types import Progress


PictureId = Annotated[str, Identifier("picture")]


class AgainRequest(JobRequest):
    """A picture that is painted again."""

    picture: PictureId = Field(description="id of a picture of ours")
    sources: Annotated[list[PictureId], Field(max_length=8)] = Field(
        [], description="ids of the pictures that an edit was made from"
    )
    mask: Annotated[str, Identifier("mask")] | None = Field(
        None, description="id of the mask that it was painted with"
    )


def checked(context: Context, request: AgainRequest) -> AgainRequest:
    """Return the request.

    Raises:
        MissingInput: A picture that it names is not there.
        DataError: The picture does not say how it was painted.
    """
    for id in (*request.sources, *([] if request.mask is None else [request.mask])):
        context.picture(id)
    parameters_of(context.picture(request.picture).data)
    return request


def parameters_of(png: bytes) -> dict[str, Any]:
    """Return the parameters of a picture.

    Raises:
        DataError: It does not say how it was painted.
    """
    from ddpm_clip.data.pictures.png_texts import parameters_in

    try:
        return parameters_in(png)
    except DataError as error:
        raise DataError(
            "this picture does not say how it was painted", error.why, error.fix
        ) from error


def repainted(
    context: Context, request: AgainRequest, origin: Origin, tti: "TextToImage"
) -> "Generator[Progress, None, Reproduction]":
    """Paint a picture again, and compare.

    Args:
        context: The model, which must be the one that painted it.
        request: Names it, and perhaps its sources.
        origin: What it was made from, if the request does not say it.
        tti: The painter, perhaps one whose steps are watched.

    Raises:
        DataError: It was painted by another model, or its parameters are impossible.
        MissingInput: A source of an edit is needed, but not given.
    """
    from ddpm_clip.reproducing.reproduction import reproduce

    sources = [pixels(context, id) for id in request.sources or origin.sources]
    painted_with = request.mask or origin.mask
    mask = None if painted_with is None else pixels(context, painted_with)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.png")
        path.write_bytes(context.picture(request.picture).data)
        try:
            return (yield from reproduce(path, tti, sources=sources, mask=mask))
        except DdpmClipError as error:
            raise _without(path, error) from error


def steps_of(
    work: "Generator[Progress, None, Reproduction]",
) -> Generator[Event, None, "Reproduction"]:
    """Follow painting, and tell of each step."""
    try:
        while True:
            progress = next(work)
            yield step(progress.done, progress.total)
    except StopIteration as end:
        found: Reproduction = end.value
        return found
    finally:
        work.close()


def _without(path: Path, error: DdpmClipError) -> DdpmClipError:
    """Return the error, in which the file is called the picture; options become fields."""
    what, why, fix = (
        text.replace(str(path), "the picture") for text in (error.what, error.why, error.fix)
    )
    for option, way in (("--source FILE", "sources"), ("--mask FILE", "mask")):
        fix = fix.replace(option, way)
    return DataError(what, why, fix.replace("--model FOLDER", "choose it among the models"))
