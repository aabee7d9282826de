"""The values of a config that have a range of their own: widths of layers, sizes of pictures."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from ddpm_clip.utils.resizing import Size

WIDEST = 16_384
"""Most channels or features of one layer; a file with more is a mistake or an attack."""

Channels = Annotated[int, Field(ge=1, le=WIDEST)]

SMALLEST, LARGEST = 4, 1024
"""Range of a side of the training pictures in pixels."""


def _sides(size: Any) -> Any:
    """Return height and width, of which a square has only one in files."""
    if not isinstance(size, list | tuple):
        return size, size
    if len(size) != 2:
        raise ValueError("it is the side of a square in pixels, or [height, width]")
    return tuple(size)


def _in_range(size: Size) -> Size:
    if not all(SMALLEST <= side <= LARGEST for side in size):
        raise ValueError(f"a side of pictures has {SMALLEST} to {LARGEST} pixels, not {size.plain}")
    return size


PictureSize = Annotated[
    Size,
    BeforeValidator(_sides),
    AfterValidator(_in_range),
    PlainSerializer(lambda size: Size.of(size).plain),
]
"""Written as the side of a square, or as [height, width]."""
