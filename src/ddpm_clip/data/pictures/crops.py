"""Which part of a picture is trained on: its middle in the shape of the model, or a random crop.

A random crop lies inside that middle part, so nothing has to be invented at its borders: padding
would be learned, and painted. It depends on the picture's key and on its number alone; so the
same crop is cut for the denoiser and for the CLIP, in every run and after every resume.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from ddpm_clip.utils.resizing import AnySize, Size

Crop = Literal["centre", "none"]


def cropped(image: Image.Image, size: AnySize, crop: Crop = "centre") -> Image.Image:
    """Return the largest middle part in the shape of `size`, or all of it if `crop` is "none"."""
    if crop == "none":
        return image
    down, across = Size.of(size).aspect
    width, height = image.size
    if width * down > height * across:
        width = max(1, round(height * across / down))
    else:
        height = max(1, round(width * down / across))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def square(image: Image.Image, crop: Crop = "centre") -> Image.Image:
    """Return the central square of a picture, or all of it if `crop` is "none"."""
    return cropped(image, 1, crop)


@dataclass(frozen=True, slots=True)
class RandomCrop:
    """One of the random crops of every picture.

    Attributes:
        number: its number, from 1; the crops of one picture differ by it.
        margin: share of height and width, 0 to 1, of which it leaves out up to all.
    """

    number: int
    margin: float

    def of(self, image: Image.Image, key: str) -> Image.Image:
        """Return the crop of the training crop `image`, in its proportions to the nearest pixel.

        Its scale is uniform in [1 - margin, 1], its place uniform within the picture.
        """
        name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        draws = np.random.default_rng([self.number, *np.frombuffer(name, np.uint32).tolist()])
        scale = 1 - self.margin * draws.random()
        width, height = (max(1, round(scale * side)) for side in image.size)
        left = int(draws.integers(image.width - width + 1))
        top = int(draws.integers(image.height - height + 1))
        return image.crop((left, top, left + width, top + height))


def random_crops(count: int, margin: float) -> tuple[RandomCrop, ...]:
    """Return the random crops 1 to `count`; () for 0."""
    return tuple(RandomCrop(number, margin) for number in range(1, count + 1))
