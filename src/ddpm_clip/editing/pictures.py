"""A picture to be edited, as the model sees pictures, and the mask that goes with it.

Cut and resized as the pictures of the training were. Knows nothing of what is done with them.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ddpm_clip.data.pictures.decoding import flatten
from ddpm_clip.data.pictures.images import (
    BadImage,
    colour,
    open_image,
    pixel_digest,
    square,
    to_array,
)
from ddpm_clip.errors import DataError, MissingInput
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.utils.tensors import to_float


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A given picture.

    Attributes:
        name: of the file, without its folder.
        image: the crop that a training would have taken, at its full size: what is embedded.
        x: (c, h, w) in [-1, 1], the same at the model's size: what is painted on.
        whole: (width, height) before the crop.
        digest: sixteen hex digits of the pixels of `image`.
    """

    name: str
    image: Image.Image
    x: Tensor
    whole: tuple[int, int]
    digest: str

    def facts(self) -> dict[str, Any]:
        """What the file of an edit records of it."""
        return {"source": self.name, "source_digest": self.digest}


def open_picture(picture: str | Path | Image.Image, model: LoadedModel) -> Picture:
    """A file or a PIL picture, made ready for a model.

    Raises:
        MissingInput: there is no such file.
        BadImage: it is no picture that can be used; says why.
    """
    data = model.config.data
    image, name = _opened(picture, "picture", data.background)
    crop = square(image.convert("L" if data.channels == 1 else "RGB"), data.crop)
    pixels = to_array(crop, data.image_size, data.channels, "none")
    x = to_float(torch.from_numpy(pixels))
    return Picture(name, crop, x, image.size, pixel_digest(crop)[:16])


def open_mask(mask: str | Path | Image.Image, picture: Picture, model: LoadedModel) -> Tensor:
    """(1, h, w) bool at the model's size, True where it is white: there will be painted.

    Args:
        mask: as large as the picture's file; grey counts as white from the middle on, and what is
            transparent as black.
        picture: that it belongs to; the mask is cut as it was.
        model: that will paint.

    Raises:
        MissingInput: there is no such file.
        BadImage: it is no picture.
        DataError: it has another size than the picture, or nothing in it is white.
    """
    image, name = _opened(mask, "mask", "black")
    if image.size != picture.whole:
        sizes = [f"{width}x{height}" for width, height in (image.size, picture.whole)]
        raise DataError(
            f"the mask {name} has {sizes[0]} pixels",
            f"the picture {picture.name} has {sizes[1]}",
            "draw the mask on a copy of the picture",
            param="mask",
        )
    data = model.config.data
    grey = to_array(image, data.image_size, 1, data.crop)
    paint = torch.from_numpy(grey > 127)
    if not paint.any():
        raise DataError(
            f"the mask {name} leaves nothing to paint",
            f"no pixel of it is white at the model's {data.image_size}x{data.image_size}",
            "make white what is to be painted",
            param="mask",
        )
    return paint


def mask_digest(paint: Tensor) -> str:
    """Sixteen hex digits of a mask (1, h, w) from `open_mask`."""
    head = f"{tuple(paint.shape)} ".encode()
    return hashlib.sha256(head + paint.numpy().tobytes()).hexdigest()[:16]


def _opened(
    picture: str | Path | Image.Image, what: str, background: str
) -> tuple[Image.Image, str]:
    if isinstance(picture, Image.Image):
        return flatten(picture, colour(background)), what
    try:
        return open_image(picture, background=background), os.path.basename(picture)
    except BadImage as error:
        if error.reason != "missing":
            raise
        raise MissingInput(
            f"no {what} {os.fspath(picture)!r}",
            "there is no such file",
            "check the path",
            param=what,
        ) from error
