"""One picture against another, pixel by pixel.

Knows nothing of how either was made.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far two pictures are apart.

    Attributes:
        sizes: (width, height) of the one and of the other.
        pixels: of the second.
        different: pixels that differ in any channel; all of them where the sizes differ.
        largest: difference of any channel, of 255 levels.
        psnr: in dB, None where nothing differs, 0 where the sizes do.
    """

    sizes: tuple[tuple[int, int], tuple[int, int]]
    pixels: int
    different: int
    largest: int
    psnr: float | None

    @property
    def equal(self) -> bool:
        """Is every pixel the same?"""
        return self.different == 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"equal": self.equal} | asdict(self)


def compare(one: Image.Image, other: Image.Image) -> Comparison:
    """Compare two pictures of 8 bits as RGB, grey ones with three equal channels."""
    sizes, pixels = (one.size, other.size), other.width * other.height
    if one.size != other.size:
        return Comparison(sizes, pixels, pixels, 255, 0.0)
    a, b = (np.asarray(image.convert("RGB")).astype(np.int64) for image in (one, other))
    apart = np.abs(a - b)
    error = float((apart**2).mean())
    psnr = round(10 * math.log10(255**2 / error), 2) if error else None
    return Comparison(sizes, pixels, int(apart.any(axis=2).sum()), int(apart.max()), psnr)
