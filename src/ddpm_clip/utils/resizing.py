"""The size of pictures, and the package's only resizer: from any picture to what a network sees.

Training, embedding and editing all use it, so that an encoder gets pixels exactly like those that
it was trained on. `Size` is the one type for height and width, so that nothing takes a picture for
a square.
"""

from collections.abc import Sequence
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image


class Size(NamedTuple):
    """Height and width in pixels, in the order of (c, h, w) tensors.

    Written in words as WIDTHxHEIGHT, as picture programs do: `str(Size(16, 24))` is `24x16`.
    """

    height: int
    width: int

    @classmethod
    def of(cls, size: "AnySize") -> "Size":
        """Return the size that is given as the side of a square, or as (height, width).

        Raises:
            ValueError: It is neither.
        """
        height, width = (size, size) if isinstance(size, int) else size
        return cls(height, width)

    @property
    def plain(self) -> int | list[int]:
        """The size as files write it: the side of a square, else [height, width]."""
        return self.height if self.height == self.width else [self.height, self.width]

    @property
    def aspect(self) -> tuple[int, int]:
        """Height and width in the smallest whole numbers: (2, 3) for 24x16."""
        common = gcd(self.height, self.width)
        return self.height // common, self.width // common

    def __str__(self) -> str:
        """Return WIDTHxHEIGHT."""
        return f"{self.width}x{self.height}"


AnySize = int | Sequence[int]
"""The side of a square, or (height, width)."""


def resized(image: "Image", size: AnySize, channels: int) -> "NDArray[np.uint8]":
    """Return pixels (channels, *size); a picture of another shape is distorted.

    Downscaling uses Lanczos, after box averaging to about three times the size; upscaling uses
    bicubic, because Lanczos would ring. A picture of that size keeps every pixel.
    """
    import numpy as np
    from PIL.Image import Resampling

    image = image.convert("L" if channels == 1 else "RGB")
    height, width = Size.of(size)
    if image.size != (width, height):
        shrinks = image.width > width and image.height > height
        filter_ = Resampling.LANCZOS if shrinks else Resampling.BICUBIC
        image = image.resize((width, height), filter_, reducing_gap=3.0)
    pixels = np.array(image)  # a writable copy
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
