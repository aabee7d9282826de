"""Load a picture to edit and its mask, cropped and resized as the training pictures were."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ddpm_clip.data.pictures.crops import cropped
from ddpm_clip.data.pictures.decoding import flatten
from ddpm_clip.data.pictures.images import BadImage, colour, open_image, pixel_digest, to_array
from ddpm_clip.errors import DataError, MissingInput
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.utils.tensors import to_float


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture to edit.

    Attributes:
        name: File name without the folder.
        image: The crop that training would take, at full resolution; this is what is embedded.
        x: (c, h, w) in [-1, 1], the same crop at the model's size; this is what is painted on.
        whole: (width, height) before the crop.
        digest: Hash of the pixels of `image`, sixteen hex digits.
    """

    name: str
    image: Image.Image
    x: Tensor
    whole: tuple[int, int]
    digest: str

    def facts(self) -> dict[str, Any]:
        """Return what the file of an edit records of this picture."""
        return {"source": self.name, "source_digest": self.digest}


def open_picture(picture: str | Path | Image.Image, model: LoadedModel) -> Picture:
    """Load a file, or take a PIL picture, and prepare it for a model.

    Raises:
        MissingInput: There is no such file.
        BadImage: The picture cannot be used, and why.
    """
    data = model.config.data
    image, name = _opened(picture, "picture", data.background)
    grey_or_rgb = image.convert("L" if data.channels == 1 else "RGB")
    crop = cropped(grey_or_rgb, data.image_size, data.crop)
    pixels = to_array(crop, data.image_size, data.channels, "none")
    x = to_float(torch.from_numpy(pixels))
    return Picture(name, crop, x, image.size, pixel_digest(crop)[:16])


def open_mask(mask: str | Path | Image.Image, picture: Picture, model: LoadedModel) -> Tensor:
    """Return the mask as (1, h, w) bool at the model's size, True (white) where to paint.

    Args:
        mask: As large as the picture's file. Grey levels above 127 count as white, and transparent
            pixels as black.
        picture: The picture it belongs to; the mask is cropped in the same way.
        model: The model that will paint.

    Raises:
        MissingInput: There is no such file.
        BadImage: The mask cannot be read as a picture.
        DataError: Its size differs from the picture's, or nothing in it is white.
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
            f"no pixel of it is white at the model's {data.image_size}",
            "make the part to be painted white",
            param="mask",
        )
    return paint


def mask_digest(paint: Tensor) -> str:
    """Return the hash of a mask (1, h, w) from `open_mask`, sixteen hex digits."""
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
