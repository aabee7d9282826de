"""Painting from words, or from a point of the map; and a path on the map, as a row of pictures."""

from collections.abc import Generator, Hashable, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from ddpm_clip.errors import UsageError
from ddpm_clip.server.kinds import paint
from ddpm_clip.server.kinds.following import followed
from ddpm_clip.server.service.events import Event
from ddpm_clip.server.service.fields import JobRequest, Whole
from ddpm_clip.server.service.kind import Context, JobKind, Member, Result, Told

MOST_FRAMES, MOST_CORNERS = 64, 200
"""Most pictures of a path, and most corners of one that was drawn by hand."""

Coordinates = Annotated[list[float], Field(min_length=2, max_length=2)]
"""x and y on the map."""


class MapCondition(JobRequest):
    """What takes the place of words: a point of the map."""

    at: Coordinates = Field(description="x and y on the map")


class PaintRequest(paint.PaintRequest):
    """Paint pictures of a prompt, or from a point of the map."""

    condition: MapCondition | None = Field(None, description="paint from there, without a prompt")


class MorphRequest(paint.PaintingFields):
    """Paint pictures along a path on the map."""

    path: Annotated[list[Coordinates], Field(min_length=2, max_length=MOST_CORNERS)] = Field(
        description="corners of the path"
    )
    n: Annotated[int, Whole("frames", MOST_FRAMES)] = Field(
        9, description="number of pictures, evenly spaced along the path"
    )

    def overrides(self) -> dict[str, Any]:
        """Return the settings that this request changes: all pictures share one seed."""
        return super().overrides() | {"n": 1}


def checked(context: Context, request: PaintRequest) -> Any:
    """Return a request that can be painted.

    Raises:
        UsageError: It has both a prompt and a point, or neither, or an invalid setting.
    """
    if request.condition is None:
        return paint.checked(context, request)
    if request.prompt is not None or request.unconditional:
        raise UsageError(
            "a prompt and a point of the map are both given",
            "the point takes the place of the prompt",
            "give only one of them",
            param="condition",
        )
    _check_points([request.condition.at])
    return paint.with_seed(context, request)


def checked_path(context: Context, request: MorphRequest) -> Any:
    """Return a request whose path can be painted; raises a `UsageError` otherwise."""
    _check_points(request.path)
    return paint.with_seed(context, request)


def key(context: Context, request: PaintRequest) -> Hashable | None:
    """Return the settings of a batch; a point of the map is painted alone."""
    return None if request.condition is not None else paint.key(context, request)


def paint_together(members: Sequence[Member]) -> Generator[Told, None, list[Result]]:
    """Paint several prompts as one batch, or one point of the map."""
    if members[0].request.condition is None:
        return (yield from paint.paint_together(members))
    work = run_paint(members[0].context, members[0].request)
    try:
        while True:
            yield [(0, next(work))]
    except StopIteration as end:
        return [end.value]
    finally:
        work.close()


def run_paint(context: Context, request: PaintRequest) -> Generator[Event, None, Result]:
    """Paint one request."""
    from ddpm_clip.editing.points import paint_points

    if request.condition is None:
        return (yield from paint.paint(context, request))
    settings, at = context.settings(**request.overrides()), request.condition.at
    return (
        yield from followed(
            context, lambda tti: paint_points(tti, [at], settings), settings, request.preview
        )
    )


def run_morph(context: Context, request: MorphRequest) -> Generator[Event, None, Result]:
    """Paint along a path."""
    from ddpm_clip.editing.points import paint_points

    settings = context.settings(**request.overrides())
    return (
        yield from followed(
            context,
            lambda tti: paint_points(tti, request.path, settings, frames=request.n),
            settings,
            request.preview,
        )
    )


def _check_points(points: Sequence[Sequence[float]]) -> None:
    from ddpm_clip.editing.points import checked_points

    checked_points(points)


PAINT: JobKind = replace(
    paint.PAINT,
    request=PaintRequest,
    run=run_paint,
    check=checked,
    key=key,
    together=paint_together,
)
MORPH = JobKind(MorphRequest, run_morph, checked_path, pictures=lambda one: one.n)
