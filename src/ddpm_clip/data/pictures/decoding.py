"""Decodes untrusted bytes to an upright 8-bit picture, or gives the reason why it cannot.

Formats come from a short allowlist and are recognised by content, sizes are checked before
anything is decoded, and every picture is decoded to its end. This file is also a program: a child
process that decodes what it is sent (`sandbox`), so that a crashing codec ends only the child. It
imports nothing of this package, because without torch a child starts in a tenth of a second.
"""

import io
import os
import re
import struct
import sys
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError, features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALWAYS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
ISO_MEDIA = (
    *(("AVIF",) if features.check("avif") else ()),
    *(("HEIF",) if find_spec("pillow_heif") else ()),
)
"""Formats in the container of MP4 that can be decoded here."""

FORMATS = ALWAYS + ISO_MEDIA
SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"BM")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")
STRANGERS = {
    b"\0\0\0\x0cjP  ": "JPEG 2000", b"\xffO\xffQ": "JPEG 2000", b"\xff\n": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL", b"8BPS": "a Photoshop file", b"%PDF": "a PDF",
    b"<svg": "SVG", b"<html": "a web page", b"<!doctype html": "a web page", b"PK\3\4": "a zip",
}  # fmt: skip
"""First bytes, in lower case where they are letters of a tag -> what such a file is."""

MAX_PIXELS = 64_000_000
MAX_SIDE = 65_535

MEMORY_MB = 2048
"""Address space of a child process; the largest picture with transparency needs 1 GiB."""

THREADS = min(4, os.cpu_count() or 1)
"""Threads that decode one AVIF or HEIC; each takes address space, and one alone is slow."""

ASKED = struct.Struct("=QBBB")
"""Header of a request: number of bytes that follow, and colour behind transparent pixels."""

ANSWERED = struct.Struct("=BQII")
"""Header of an answer: channels (0 for an error), number of bytes that follow, width, height."""


READY = b"+"
"""Sent by a child when it has started."""


class Undecodable(Exception):
    """Bytes that cannot be decoded; `reason` is a key of `images.REASONS`."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def decoded(data: bytes, background: tuple[int, int, int]) -> Image.Image:
    """Decode a picture to upright RGB or L; of an animation, the first frame.

    Raises:
        Undecodable: The bytes cannot be decoded, or the picture is too large.
    """
    try:
        return flatten(_upright(_opened(data)), background)
    except Undecodable:
        raise
    except MemoryError as error:
        raise Undecodable("too-large", "decoding it takes too much memory") from error
    except Exception as error:  # codecs raise almost anything on hostile input
        raise _damaged(error) from error


def flatten(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Convert any mode to RGB or L: scale deep pixels, put `background` behind transparency."""
    if image.mode.startswith(("I", "F")):
        import numpy as np

        return Image.fromarray(_shallow(np.asarray(image)))
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        under = Image.new("RGBA", clear.size, (*background, 255))
        return Image.alpha_composite(under, clear).convert("RGB")
    if image.mode == "LAB":
        from PIL import ImageCms

        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        return converted if converted is not None else image
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _opened(data: bytes) -> Image.Image:
    """Decode a picture to the last byte, in its own mode; raise `Undecodable` if it fails."""
    try:
        image = Image.open(io.BytesIO(data), formats=_formats(data))
        _check_size(image)
        image.load()
        _check_size(image)  # a HEIC may turn out larger than it says
    except (Undecodable, MemoryError):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Undecodable("too-large", str(error)[:200]) from error
    except UnidentifiedImageError as error:
        if _begins_well(data):
            raise Undecodable("damaged") from error
        raise Undecodable("not-an-image", _stranger(data)) from error
    except Exception as error:  # codecs raise almost anything on hostile input
        early = "truncated" in str(error).lower() or isinstance(error, EOFError)
        raise Undecodable("truncated", _bracketed(error)) if early else _damaged(error) from error
    return image


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        raise Undecodable("too-large", f"{image.width}x{image.height}")


def _formats(data: bytes) -> tuple[str, ...]:
    """Return the formats that are tried; the codecs of MP4's container are loaded on first use."""
    if data[4:8] != b"ftyp" or not ISO_MEDIA:
        return ALWAYS
    if "AVIF" in ISO_MEDIA:
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = THREADS
    if "HEIF" in ISO_MEDIA and "HEIF" not in Image.OPEN:
        import pillow_heif

        pillow_heif.register_heif_opener(decode_threads=THREADS, thumbnails=False)
    return ISO_MEDIA


def _begins_well(data: bytes) -> bool:
    """Whether bytes start like one of the formats, although they could not be opened."""
    known = {"AVIF": AVIF_BRANDS, "HEIF": HEIC_BRANDS}
    brands = [brand for kind in ISO_MEDIA for brand in known[kind]]
    if data[4:8] == b"ftyp":
        return data[8:12] in brands
    return data.startswith(SIGNATURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def _stranger(data: bytes) -> str:
    """Return what bytes are that are none of the formats, with the way to read them; "" if new."""
    start = data[:16].lower() if data[:1] == b"<" else data[:16]
    if data[4:8] == b"ftyp":
        if data[8:12] in HEIC_BRANDS:
            return 'it is HEIC; pip install "ddpm-clip[heif]" reads it'
        return "it is AVIF; pip install -U pillow" if data[8:12] in AVIF_BRANDS else "it is a video"
    return next((f"it is {what}" for mark, what in STRANGERS.items() if start.startswith(mark)), "")


def _bracketed(error: Exception) -> str:
    """Return what a decoder says in brackets of a file's end; the rest only repeats the reason."""
    found = re.search(r"\((.+)\)", str(error))
    return found[1][:200] if found else ""


def _damaged(error: Exception) -> Undecodable:
    return Undecodable("damaged", str(error)[:200])


def _upright(image: Image.Image) -> Image.Image:
    """Rotate a picture by its EXIF orientation; an unreadable EXIF is ignored."""
    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception:  # the pixels are fine, only the EXIF is not
        return image


def _shallow(deep: "NDArray[np.generic]") -> "NDArray[np.uint8]":
    """Scale 16-bit, 32-bit or float pixels (h, w) to 0 to 255.

    Integers are taken as 16-bit, or as 32-bit if one is larger than that. Floats are taken as 0
    to 1, else as 0 to 255, else stretched from their minimum to their maximum.
    """
    import numpy as np

    values = deep.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it has NaN or infinite values")
    low, high = 0.0, 65535.0 if values.max() <= 65535 else 2.0**31 - 1
    if deep.dtype.kind == "f":
        low, high = min(values.min(), 0.0), max(values.max(), 0.0)
        high = 1.0 if high <= 1 else 255.0 if high <= 255 else high
    scaled = (values - low) / (high - low) * 255
    return np.asarray(np.round(scaled.clip(0, 255)).astype(np.uint8))


def _confine() -> None:
    """Limit this process: bounded memory, no writing of files, no core dump."""
    try:
        import resource
    except ImportError:  # not on this system; a separate process still contains a crash
        return
    limits = {"RLIMIT_AS": MEMORY_MB * 2**20, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
    for name, limit in limits.items():
        which = getattr(resource, name)
        most = resource.getrlimit(which)[1]  # a limit can only be lowered
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(which, (limit, limit))


def _serve(asks: BinaryIO, answers: BinaryIO) -> None:
    """Decode pictures one after the other, until the input ends."""
    while head := asks.read(ASKED.size):
        size, *background = ASKED.unpack(head)
        data = asks.read(size)
        try:
            image = decoded(data, (background[0], background[1], background[2]))
            pixels, channels = image.tobytes(), len(image.getbands())
            answer = ANSWERED.pack(channels, len(pixels), *image.size)
        except Undecodable as error:
            pixels = f"{error.reason}\n{error.detail}".encode("utf-8", "replace")
            answer = ANSWERED.pack(0, len(pixels), 0, 0)
        except MemoryError:
            pixels = b"too-large\ndecoding it takes too much memory"
            answer = ANSWERED.pack(0, len(pixels), 0, 0)
        answers.write(answer)
        answers.write(pixels)
        answers.flush()


def main() -> None:
    """Run as the child process: encoded pictures on stdin, pixels on stdout."""
    _confine()
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    _serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
