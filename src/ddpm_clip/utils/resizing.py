"""From a picture of any size to the pixels that a network sees: the one resizer of the package.

Training crops, embeddings and edits all come through here, so that an encoder is asked with the
very pixels that it was trained on.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image


def resized(image: "Image", size: int, channels: int) -> NDArray[np.uint8]:
    """Pixels (channels, size, size), squeezed where the picture is no square.

    Lanczos makes smaller, after whole-pixel averaging down to three times the size; bicubic makes
    larger, since Lanczos would ring. A picture that has the size already keeps every pixel.
    """
    from PIL.Image import Resampling

    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (size, size):
        shrinks = min(image.size) > size
        filter_ = Resampling.LANCZOS if shrinks else Resampling.BICUBIC
        image = image.resize((size, size), filter_, reducing_gap=3.0)
    pixels = np.array(image)  # a copy that may be written to
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
