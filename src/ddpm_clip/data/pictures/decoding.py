"""From bytes nobody vouches for to an upright 8-bit picture, or to a named reason why not.

Formats are told by content from a short allowlist, sizes are checked before anything is decoded,
and every picture is decoded to its end. This file is also a program: a child process that decodes
what it is sent (`confined`), so that a codec that crashes takes nobody along. It imports nothing
of ours, since a child starts in a tenth of a second only without torch. Knows nothing of files.
"""

import io
import struct
import sys
import warnings
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"BM")
MAX_PIXELS = 64_000_000
MAX_SIDE = 65_535

MEMORY_MB = 2048
"""Address space of a child: the largest picture with transparency takes 1 GiB."""

ASKED = struct.Struct("=QBBB")
"""Bytes that follow, and the colour to lay behind transparent pixels."""

ANSWERED = struct.Struct("=BQII")
"""0 for a reason, else channels; bytes that follow; width and height."""


READY = b"+"
"""What a child says when it has started."""


class Undecodable(Exception):
    """Bytes that give no picture; `reason` is a key of `images.REASONS`."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def decoded(data: bytes, background: tuple[int, int, int]) -> Image.Image:
    """A picture upright, as RGB or L; of animations the first frame.

    Raises:
        Undecodable: with the reason.
    """
    try:
        return flatten(_upright(_opened(data)), background)
    except Undecodable:
        raise
    except MemoryError as error:
        raise Undecodable("too-large", "decoding it takes too much memory") from error
    except Exception as error:  # codecs raise almost anything on hostile input
        raise Undecodable("damaged", str(error)[:200]) from error


def flatten(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Any mode as RGB or L: deep pixels are scaled, transparent ones laid on `background`."""
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
    """The picture in its own mode, decoded to the last byte, or a reason."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
            raise Undecodable("too-large", f"{image.width}x{image.height}")
        image.load()
    except (Undecodable, MemoryError):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Undecodable("too-large", str(error)[:200]) from error
    except UnidentifiedImageError as error:
        raise Undecodable("damaged" if _begins_well(data) else "not-an-image") from error
    except Exception as error:  # codecs raise almost anything on hostile input
        early = "truncated" in str(error).lower() or isinstance(error, EOFError)
        raise Undecodable("truncated" if early else "damaged", str(error)[:200]) from error
    return image


def _begins_well(data: bytes) -> bool:
    """Whether bytes that nothing could open at least start as one of the formats does."""
    return data.startswith(SIGNATURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF note says; a note that cannot be read turns nothing."""
    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception:  # the pixels are sound, only the note is not
        return image


def _shallow(deep: "NDArray[np.generic]") -> "NDArray[np.uint8]":
    """16-bit, 32-bit and float pixels (h, w) on 0 to 255, by the range their type declares.

    Whole numbers are read as 16-bit (32-bit where one is larger), floats as 0 to 1, else as 0 to
    255, else stretched from their smallest to their largest.
    """
    import numpy as np

    values = deep.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it holds values that are not numbers")
    low, high = 0.0, 65535.0 if values.max() <= 65535 else 2.0**31 - 1
    if deep.dtype.kind == "f":
        low, high = min(values.min(), 0.0), max(values.max(), 0.0)
        high = 1.0 if high <= 1 else 255.0 if high <= 255 else high
    scaled = (values - low) / (high - low) * 255
    return np.asarray(np.round(scaled.clip(0, 255)).astype(np.uint8))


def _confine() -> None:
    """Bound what this process may take: memory, files of its own, and a core file of none."""
    try:
        import resource
    except ImportError:  # not on this system; a process of its own it is all the same
        return
    limits = {"RLIMIT_AS": MEMORY_MB * 2**20, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
    for name, limit in limits.items():
        which = getattr(resource, name)
        most = resource.getrlimit(which)[1]  # nobody may take more than was given
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(which, (limit, limit))


def _serve(asks: BinaryIO, answers: BinaryIO) -> None:
    """Decode what comes, one picture after the other, until nothing more comes."""
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
    """Be the child: pictures come on stdin, pixels go to stdout."""
    _confine()
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    _serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
