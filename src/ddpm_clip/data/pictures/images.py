"""Read pictures from untrusted files; crop them, convert them to arrays, hash them.

`decoding` does the decoding itself, in a child process while a source is being read
(`sandbox.in_children`).
"""

import hashlib
import os
import stat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from ddpm_clip.data.pictures import decoding
from ddpm_clip.data.pictures import sandbox as confined
from ddpm_clip.data.pictures.crops import Crop, cropped
from ddpm_clip.data.pictures.decoding import FORMATS, MAX_PIXELS, flatten
from ddpm_clip.data.pictures.formats import SUFFIXES
from ddpm_clip.data.pictures.quiet import quiet
from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.utils.resizing import AnySize, resized

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "REASONS",
    "SUFFIXES",
    "BadImage",
    "colour",
    "flatten",
    "from_array",
    "open_image",
    "pixel_digest",
    "read_bytes",
    "to_array",
]

MAX_BYTES = 256 * 2**20

REASONS = {
    "missing": "there is no such file",
    "not-a-file": "it is not a regular file",
    "outside": "it is a link that leads out of the folder",
    "unreadable": "the operating system does not let us read it",
    "empty": "it has no bytes",
    "not-an-image": f"its content is none of {', '.join(FORMATS)}",
    "too-large": f"it has more than {MAX_PIXELS // 10**6} million pixels or {MAX_BYTES >> 20} MiB",
    "truncated": "it ends too early",
    "damaged": "it cannot be decoded",
    "too-slow": f"decoding it takes longer than {confined.SECONDS:g} seconds, "
    f"or {confined.SECONDS * confined.LONGER:g} for an AVIF or HEIC",
}
"""Every reason why a picture is left out; the keys are stable."""


class BadImage(DataError):
    """One picture that cannot be used; `reason` is a key of `REASONS`."""

    code = "E-IMAGE"

    def __init__(self, name: str, reason: str, detail: str = ""):
        why = REASONS[reason] + (f" ({detail})" if detail else "")
        super().__init__(f"cannot use picture {name}", why, "replace or remove it")
        self.reason, self.detail = reason, detail


def read_bytes(path: str | Path) -> bytes:
    """Return the content of a regular file; a pipe, socket or device is refused without blocking.

    Raises:
        BadImage: missing, not-a-file, unreadable, empty or too-large.
    """
    name = os.fspath(path)
    try:
        if not stat.S_ISREG(os.stat(name).st_mode):
            raise BadImage(name, "not-a-file")
        # between stat and open the file may be swapped for a pipe, which must not block
        handle = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise BadImage(name, "not-a-file")
            # not read(MAX_BYTES + 1), which would allocate that much memory first
            data = file.read(min(facts.st_size, MAX_BYTES) + 1)
    except FileNotFoundError as error:
        raise BadImage(name, "missing") from error
    except (OSError, ValueError) as error:
        raise BadImage(name, "unreadable", getattr(error, "strerror", "") or str(error)) from error
    if not data:
        raise BadImage(name, "empty")
    if len(data) > MAX_BYTES:
        raise BadImage(name, "too-large", "too many bytes")
    return data


def open_image(
    source: str | Path | bytes, *, background: str = "white", name: str | None = None
) -> Image.Image:
    """Return a picture upright, as RGB or L; of an animation, the first frame.

    Args:
        source: a file, or the bytes of one.
        background: colour behind transparent pixels: a name or #rrggbb.
        name: name in error messages, by default the path.

    Raises:
        BadImage: it cannot be used, for the given reason. UsageError: `background` is not a colour.
    """
    behind = colour(background)
    data = source if isinstance(source, bytes) else read_bytes(source)
    name = name or ("from bytes" if isinstance(source, bytes) else os.fspath(source))
    if not data:
        raise BadImage(name, "empty")
    try:
        if confined.wanted():
            return confined.decoded(data, behind)
        with quiet():  # may be one of several threads
            return decoding.decoded(data, behind)
    except decoding.Undecodable as error:
        reason = error.reason if error.reason in REASONS else "damaged"
        raise BadImage(name, reason, error.detail) from error


def colour(name: str) -> tuple[int, int, int]:
    """Return the RGB values of a colour name or #rrggbb.

    Raises:
        UsageError: it is not a colour.
    """
    try:
        red, green, blue = ImageColor.getrgb(name)[:3]
    except ValueError as error:
        raise UsageError(
            f"unknown colour {name!r}", fix="use a name such as white, or #rrggbb"
        ) from error
    return red, green, blue


def to_array(
    image: Image.Image, size: AnySize, channels: int, crop: Crop = "centre"
) -> NDArray[np.uint8]:
    """Return pixels (channels, *size); a picture of that size keeps every pixel."""
    return resized(cropped(image, size, crop), size, channels)


def from_array(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return the picture of pixels (c, h, w); the inverse of `to_array` if nothing was resized."""
    return Image.fromarray(pixels[0] if pixels.shape[0] == 1 else pixels.transpose(1, 2, 0))


def pixel_digest(image: Image.Image) -> str:
    """Return the SHA-256 of mode, size and pixels, for pictures without a file."""
    head = f"{image.mode} {image.width}x{image.height} ".encode()
    return hashlib.sha256(head + image.tobytes()).hexdigest()
