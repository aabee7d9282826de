"""From bytes nobody vouches for to upright 8-bit pictures, or to a named reason why not.

Formats are told by content from a short allowlist, sizes are checked before anything is decoded,
and every picture is decoded to its end, so that half a file is an error and not half a picture.
Knows nothing of folders, captions or training.
"""

import hashlib
import io
import os
import stat
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageColor, ImageOps, UnidentifiedImageError

from ddpm_clip.data.quiet import quiet
from ddpm_clip.errors import DataError, UsageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff")
SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"BM")
MAX_PIXELS = 64_000_000
MAX_SIDE = 65_535
MAX_BYTES = 256 * 2**20

Crop = Literal["centre", "none"]

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
}
"""Every reason for which a picture is left out; the keys are stable."""


class BadImage(DataError):
    """One picture that cannot be used; `reason` is a key of `REASONS`."""

    code = "E-IMAGE"

    def __init__(self, name: str, reason: str, detail: str = ""):
        why = REASONS[reason] + (f" ({detail})" if detail else "")
        super().__init__(f"cannot use picture {name}", why, "replace it or take it away")
        self.reason, self.detail = reason, detail


def read_bytes(path: str | Path) -> bytes:
    """The content of a regular file; a pipe, socket or device is refused without waiting for it.

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
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise BadImage(name, "not-a-file")
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise BadImage(name, "missing") from error
    except (OSError, ValueError) as error:
        raise BadImage(name, "unreadable", getattr(error, "strerror", "") or str(error)) from error
    if not data:
        raise BadImage(name, "empty")
    if len(data) > MAX_BYTES:
        raise BadImage(name, "too-large", "too many bytes")
    return data


def open_image(source: str | Path | bytes, *, background: str = "white",
               name: str | None = None) -> Image.Image:  # fmt: skip
    """A picture upright, as RGB or L; of animations the first frame.

    Args:
        source: A file, or the bytes of one.
        background: A colour name or #rrggbb to lay behind transparent pixels.
        name: What errors call it, by default the path.

    Raises:
        BadImage: with the reason. UsageError: `background` is no colour.
    """
    behind = colour(background)
    data = source if isinstance(source, bytes) else read_bytes(source)
    name = name or ("of bytes" if isinstance(source, bytes) else os.fspath(source))
    if not data:
        raise BadImage(name, "empty")
    with quiet():  # may be one of several threads
        image = _decoded(data, name)
        try:
            return flatten(_upright(image), behind)
        except Exception as error:  # codecs raise almost anything on hostile input
            raise BadImage(name, "damaged", str(error)[:200]) from error


def colour(name: str) -> tuple[int, int, int]:
    """RGB of a colour name or #rrggbb.

    Raises:
        UsageError: it is no colour.
    """
    try:
        red, green, blue = ImageColor.getrgb(name)[:3]
    except ValueError as error:
        raise UsageError(
            f"unknown colour {name!r}", fix="a name such as white, or #rrggbb"
        ) from error
    return red, green, blue


def flatten(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Any mode as RGB or L: deep pixels are scaled, transparent ones laid on `background`."""
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_shallow(np.asarray(image)))
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        under = Image.new("RGBA", clear.size, (*background, 255))
        return Image.alpha_composite(under, clear).convert("RGB")
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        return converted if converted is not None else image
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def square(image: Image.Image, crop: Crop = "centre") -> Image.Image:
    """The middle square of a picture, or all of it where `crop` is "none"."""
    if crop == "none":
        return image
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return image.crop((left, top, left + side, top + side))


def to_array(image: Image.Image, size: int, channels: int, crop: Crop = "centre",
             ) -> NDArray[np.uint8]:  # fmt: skip
    """Pixels (channels, size, size); a picture that has the size already keeps every pixel."""
    image = square(image, crop).convert("L" if channels == 1 else "RGB")
    if image.size != (size, size):
        shrinks = min(image.size) > size
        filter_ = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
        image = image.resize((size, size), filter_, reducing_gap=3.0)
    pixels = np.asarray(image)
    return np.ascontiguousarray(pixels[None] if channels == 1 else pixels.transpose(2, 0, 1))


def from_array(pixels: NDArray[np.uint8]) -> Image.Image:
    """The picture of pixels (c, h, w): what `to_array` undoes where nothing was resized."""
    return Image.fromarray(pixels[0] if pixels.shape[0] == 1 else pixels.transpose(1, 2, 0))


def pixel_digest(image: Image.Image) -> str:
    """SHA-256 of a picture's mode, size and pixels, for pictures that are no file."""
    head = f"{image.mode} {image.width}x{image.height} ".encode()
    return hashlib.sha256(head + image.tobytes()).hexdigest()


def _decoded(data: bytes, name: str) -> Image.Image:
    """The picture in its own mode, decoded to the last byte, or a reason."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
            raise BadImage(name, "too-large", f"{image.width}x{image.height}")
        image.load()
    except BadImage:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadImage(name, "too-large", str(error)[:200]) from error
    except UnidentifiedImageError as error:
        raise BadImage(name, "damaged" if _begins_well(data) else "not-an-image") from error
    except Exception as error:  # codecs raise almost anything on hostile input
        early = "truncated" in str(error).lower() or isinstance(error, EOFError)
        raise BadImage(name, "truncated" if early else "damaged", str(error)[:200]) from error
    return image


def _begins_well(data: bytes) -> bool:
    """Whether bytes that nothing could open at least start as one of the formats does."""
    return data.startswith(SIGNATURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF note says; a note that cannot be read turns nothing."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # the pixels are sound, only the note is not
        return image


def _shallow(deep: NDArray[np.generic]) -> NDArray[np.uint8]:
    """16-bit, 32-bit and float pixels (h, w) on 0 to 255, by the range their type declares.

    Whole numbers are read as 16-bit (32-bit where one is larger), floats as 0 to 1, else as 0 to
    255, else stretched from their smallest to their largest.
    """
    values = deep.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it holds values that are not numbers")
    low, high = 0.0, 65535.0 if values.max() <= 65535 else 2.0**31 - 1
    if deep.dtype.kind == "f":
        low, high = min(values.min(), 0.0), max(values.max(), 0.0)
        high = 1.0 if high <= 1 else 255.0 if high <= 255 else high
    scaled = (values - low) / (high - low) * 255
    return np.asarray(np.round(scaled.clip(0, 255)).astype(np.uint8))
