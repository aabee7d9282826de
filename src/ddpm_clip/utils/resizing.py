"""The package's only resizer: from a picture of any size to the pixels that a network sees.

Training, embedding and editing all use it, so that an encoder gets pixels exactly like those that
it was trained on.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ddpm_clip.utils.size import AnySize, Size

if TYPE_CHECKING:
    from PIL.Image import Image


def resized(image: "Image", size: AnySize, channels: int) -> NDArray[np.uint8]:
    """Return pixels (channels, *size); a picture of another shape is distorted.

    Downscaling uses Lanczos, after box averaging to about three times the size; upscaling uses
    bicubic, because Lanczos would ring. A picture of that size keeps every pixel.
    """
    from PIL.Image import Resampling

    image = image.convert("L" if channels == 1 else "RGB")
    height, width = Size.of(size)
    if image.size != (width, height):
        shrinks = image.width > width and image.height > height
        filter_ = Resampling.LANCZOS if shrinks else Resampling.BICUBIC
        image = image.resize((width, height), filter_, reducing_gap=3.0)
    pixels = np.array(image)  # a writable copy
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
