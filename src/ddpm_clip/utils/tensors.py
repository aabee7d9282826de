"""Tensors to and from pictures and safetensors files.

Leaf: imports nothing of ours. Pixels are float in [-1, 1] on the tensor side.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image


def to_float(x: Tensor) -> Tensor:
    """uint8 pixels as float32 in [-1, 1]."""
    return x.float() / 127.5 - 1


def to_uint8(x: Tensor) -> Tensor:
    """Pixels in [-1, 1] as uint8, rounded to the nearest."""
    return ((x.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def to_picture(x: Tensor) -> "Image":
    """x (c, h, w) in [-1, 1], one or three channels, as a PIL picture."""
    from PIL import Image

    pixels = to_uint8(x.detach().cpu()).numpy()
    return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0).copy())


def from_picture(image: "Image", size: int, channels: int) -> Tensor:
    """A PIL picture as (channels, size, size) uint8, resized by Lanczos where the size differs."""
    from PIL import Image

    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.LANCZOS)
    pixels = np.asarray(image, dtype=np.uint8)
    return torch.from_numpy(pixels.copy()).view(size, size, channels).permute(2, 0, 1).contiguous()


def stack_pictures(images: "Sequence[Image]", size: int, channels: int) -> Tensor:
    """PIL pictures as one float tensor (n, channels, size, size) in [-1, 1]."""
    return to_float(torch.stack([from_picture(image, size, channels) for image in images]))


def save_tensors(
    path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file that is on the disk when this returns, readable as umask says."""
    from safetensors.torch import save

    data = save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, metadata)
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        ValueError: it is torn or was never one.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(path.read_bytes())
    except SafetensorError as error:
        raise ValueError(f"{path} is no sound safetensors file: {error}") from error
