"""Convert tensors to and from pictures and safetensors files.

As tensors, pixels are floats in [-1, 1].
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ddpm_clip.utils.resizing import AnySize, resized
from ddpm_clip.utils.untrusted import read_safetensors

if TYPE_CHECKING:
    from PIL.Image import Image


def to_float(x: Tensor) -> Tensor:
    """Convert uint8 pixels to float32 in [-1, 1]."""
    return x.float() / 127.5 - 1


def to_uint8(x: Tensor) -> Tensor:
    """Convert pixels in [-1, 1] to uint8, rounded to the nearest."""
    return ((x.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def to_picture(x: Tensor) -> "Image":
    """Convert x (c, h, w) in [-1, 1], one or three channels, to a PIL picture."""
    from PIL import Image

    pixels = to_uint8(x.detach().cpu()).numpy()
    return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0).copy())


def from_picture(image: "Image", size: AnySize, channels: int) -> Tensor:
    """Convert a PIL picture to (channels, *size) uint8, resized if the size differs."""
    return torch.from_numpy(resized(image, size, channels))


def stack_pictures(images: "Sequence[Image]", size: AnySize, channels: int) -> Tensor:
    """Convert PIL pictures to one float tensor (n, channels, *size) in [-1, 1]."""
    return to_float(torch.stack([from_picture(image, size, channels) for image in images]))


def in_pixels(maps: Tensor, height: int, width: int) -> Tensor:
    """Convert affine maps (b, 2, 3) of pixels to those of `affine_grid`, whose sides are all 2.

    Otherwise a rotation would shear a picture that is not square; for squares nothing changes.
    """
    return maps * torch.tensor([[1, height / width, 1], [width / height, 1, 1]]).to(maps)


def save_tensors(
    path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file and flush it to disk; its permissions follow the umask."""
    from safetensors.torch import save

    data = save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, metadata)
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; its header is checked before memory is allocated.

    Raises:
        ValueError: it is damaged or another kind of file. OSError: it is not a regular file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(read_safetensors(path))
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{path} is not a valid safetensors file: {error}") from error


def skeleton(make: Callable[[], nn.Module]) -> nn.Module:
    """Build the module that `make` builds on the meta device: shapes only, no memory.

    Raises:
        ValueError: the module cannot be built with its sizes.
    """
    try:
        with torch.device("meta"):
            return make()
    except (RuntimeError, OverflowError, ZeroDivisionError, MemoryError) as error:
        raise ValueError(str(error).split("\n")[0][:200]) from error


def check_weights(make: Callable[[], nn.Module], weights: Mapping[str, Tensor]) -> None:
    """Check that weights fit the module that `make` builds, before it is built.

    Raises:
        ValueError: names, shapes or types differ, or a value is NaN or infinite.
    """
    wanted, given = skeleton(make).state_dict(), dict(weights)
    for name in sorted(wanted.keys() ^ given.keys()):
        raise ValueError(f"tensor {name[:80]!r} is {'missing' if name in wanted else 'unexpected'}")
    for name, value in wanted.items():
        if given[name].shape != value.shape:
            shapes = f"{tuple(given[name].shape)}, not {tuple(value.shape)}"
            raise ValueError(f"tensor {name[:80]!r} has shape {shapes}")
        if given[name].is_complex() or not bool(given[name].isfinite().all()):
            raise ValueError(f"tensor {name[:80]!r} holds NaN, infinite or complex values")
