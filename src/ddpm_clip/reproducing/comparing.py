"""Compare two pictures, pixel by pixel."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much two pictures differ.

    Attributes:
        sizes: (width, height) of the first and of the second picture.
        pixels: Number of pixels of the second picture.
        different: Number of pixels that differ in any channel; all of them if the sizes differ.
        largest: Largest difference in any channel, of 255 levels.
        psnr: In dB; None if the pictures are equal, 0 if their sizes differ.
    """

    sizes: tuple[tuple[int, int], tuple[int, int]]
    pixels: int
    different: int
    largest: int
    psnr: float | None

    @property
    def equal(self) -> bool:
        """Whether every pixel is the same."""
        return self.different == 0

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"equal": self.equal} | asdict(self)


def compare(one: Image.Image, other: Image.Image) -> Comparison:
    """Compare two 8-bit pictures as RGB; grey ones get three equal channels."""
    sizes, pixels = (one.size, other.size), other.width * other.height
    if one.size != other.size:
        return Comparison(sizes, pixels, pixels, 255, 0.0)
    a, b = (np.asarray(image.convert("RGB")).astype(np.int64) for image in (one, other))
    difference = np.abs(a - b)
    error = float((difference**2).mean())
    psnr = round(10 * math.log10(255**2 / error), 2) if error else None
    return Comparison(sizes, pixels, int(difference.any(axis=2).sum()), int(difference.max()), psnr)
