"""Tensors to and from pictures and safetensors files.

Leaf: imports nothing of ours outside `utils`. Pixels are float in [-1, 1] on the tensor side.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ddpm_clip.utils.resizing import resized
from ddpm_clip.utils.untrusted import read_safetensors

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
    """A PIL picture as (channels, size, size) uint8, resized where the size differs."""
    return torch.from_numpy(resized(image, size, channels))


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
    """Read a safetensors file, told by its content; sizes are checked before memory is taken.

    Raises:
        ValueError: it is torn, or was never one and is named. OSError: it is no regular file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(read_safetensors(path))
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{path} is no sound safetensors file: {error}") from error


def skeleton(make: Callable[[], nn.Module]) -> nn.Module:
    """The module that `make` builds, without memory for its numbers: only shapes.

    Raises:
        ValueError: its sizes are beyond what can be counted.
    """
    try:
        with torch.device("meta"):
            return make()
    except (RuntimeError, OverflowError, ZeroDivisionError, MemoryError) as error:
        raise ValueError(str(error).split("\n")[0][:200]) from error


def check_weights(make: Callable[[], nn.Module], weights: Mapping[str, Tensor]) -> None:
    """See that weights belong to the module that `make` builds, before it is built.

    Raises:
        ValueError: names, shapes or kinds differ, or a value is no number; names the first.
    """
    wanted, there = skeleton(make).state_dict(), dict(weights)
    for name in sorted(wanted.keys() ^ there.keys()):
        raise ValueError(f"tensor {name[:80]!r} is {'missing' if name in wanted else 'too much'}")
    for name, value in wanted.items():
        if there[name].shape != value.shape:
            shapes = f"{tuple(there[name].shape)}, not {tuple(value.shape)}"
            raise ValueError(f"tensor {name[:80]!r} has shape {shapes}")
        if there[name].is_complex() or not bool(there[name].isfinite().all()):
            raise ValueError(f"tensor {name[:80]!r} holds values that are no numbers")
