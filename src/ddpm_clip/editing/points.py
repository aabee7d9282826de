"""Paint from points of the map of a model's pictures (`conditioning/plane.py`), without words."""

import math
from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from ddpm_clip.conditioning.plane import conditions_at
from ddpm_clip.config.limits import checked_frames, plain
from ddpm_clip.editing.edit import Edit, Facts, Sources
from ddpm_clip.errors import UsageError
from ddpm_clip.generation.request import GenerationRequest, Painted, SamplingOverrides
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.types import Progress

Point = Sequence[float]
"""x and y on the map, in the units of `Plane.points`."""

FARTHEST = 1e4
"""Largest coordinate of a point; pictures lie within some tens."""


def paint_points(
    tti: TextToImage, at: Sequence[Point], settings: Settings, *, frames: int | None = None
) -> Generator[Progress, None, list[Painted]]:
    """Paint pictures from points of the map, point by point, for each scale and each seed.

    Args:
        tti: The model.
        at: Points (x, y). One far from all pictures is brought back to them.
        settings: From `tti.settings`; the bridge affects only a negative prompt.
        frames: If given, the points are corners of a path, and so many points are painted that are
            evenly spaced along it, both ends included.

    Raises:
        DataError: There is no map: too few pictures are kept with the model.
        UsageError: A point is no pair of finite numbers, there is none, or `frames` is out of
            range.
    """
    points = checked_points(at)
    if frames is not None:
        points = along(points, checked_frames(frames))
    rows = [
        (point, seed, scale)
        for scale in settings.guidance
        for seed in settings.seeds()
        for point in points
    ]
    requests = [
        GenerationRequest(
            f"(point {x:.4g}, {y:.4g})",
            i,
            seed,
            scale,
            {"mode": "point", "at": [x, y]},
            has_words=False,
        )
        for i, ((x, y), seed, scale) in enumerate(rows)
    ]
    return tti.paint_requests(requests, settings, overrides=_there(tti))


def along(corners: Sequence[Point], n: int) -> list[list[float]]:
    """Return n points (x, y) evenly spaced along the path through some corners.

    >>> along([[0, 0], [2, 0], [2, 2]], 5)
    [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [2.0, 1.0], [2.0, 2.0]]
    """
    path = torch.tensor(corners, dtype=torch.float64)  # (k, 2)
    lengths = (path[1:] - path[:-1]).norm(dim=1)
    ends = torch.cat([torch.zeros(1, dtype=torch.float64), lengths.cumsum(0)])
    if not ends[-1]:  # a single point, or the same one again
        return [list(map(float, corners[0]))] * n
    wanted = torch.linspace(0, float(ends[-1]), n, dtype=torch.float64)
    part = torch.searchsorted(ends[1:-1].contiguous(), wanted)  # the stretch that each lies on
    share = ((wanted - ends[part]) / lengths[part].clamp(min=1e-12)).clamp(0, 1)
    points = torch.lerp(path[part], path[part + 1], share[:, None])
    return [[round(x, 6), round(y, 6)] for x, y in points.tolist()]


def checked_points(at: Sequence[Point]) -> list[list[float]]:
    """Return points as pairs of numbers.

    Raises:
        UsageError: There are none, or one is no pair of finite numbers.
    """
    points = [[plain(value) for value in point] for point in at]
    if not points or not all(_is_point(point) for point in points):
        raise UsageError(
            "at is not a point of the map",
            f"a point is two numbers, x and y, from {-FARTHEST:g} to {FARTHEST:g}",
            "give one, such as 1.5,-2",
            param="at",
        )
    return [[float(value) for value in point] for point in points]


def _is_point(point: Sequence[object]) -> bool:
    return len(point) == 2 and all(
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and abs(value) <= FARTHEST
        for value in point
    )


def _there(tti: TextToImage) -> SamplingOverrides:
    """Use the conditions at the points that the requests record."""
    model = tti.model
    plane = model.plane  # raises before anything is painted

    def conditions(requests: Sequence[GenerationRequest]) -> Tensor:
        at = torch.tensor([request.facts["at"] for request in requests])
        return conditions_at(model.conditioner, plane, at)

    return SamplingOverrides(conditions=conditions)


def _again(
    tti: TextToImage, settings: Settings, facts: Facts, sources: Sources
) -> SamplingOverrides:
    return _there(tti)


POINT = Edit(
    facts={"at": list},
    overrides=_again,
    check=lambda facts: checked_points([facts["at"]]),
    has_prompt=False,
)
