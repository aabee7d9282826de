"""Claim: no picture file crashes, takes over or blocks the process that reads it.

Good pictures of up to eight formats and twelve modes are corrupted, and read the way a scan reads
them: bytes in this process, decoding in a child process limited to two gigabytes.

    python benchmarks/soak/fuzz_images.py                 10,000 files
    python benchmarks/soak/fuzz_images.py --cases 200     a short run
    python benchmarks/soak/fuzz_images.py --case 17       a single case, with its traceback
"""

import io
import random
import struct
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from fuzzing import Fuzzer, main
from mutations import spoilt
from PIL import Image

from ddpm_clip.data.pictures.decoding import FORMATS, ISO_MEDIA, MAX_PIXELS
from ddpm_clip.data.pictures.images import BadImage, open_image, to_array
from ddpm_clip.data.pictures.sandbox import in_children

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "I;16", "F")
STRANGERS = (
    b"", b"<html>", b"%PDF-1.7\n%", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"8BPS\0\1", b"SIMPLE  = ",
    b"\0\0\0\x0cjP  \r\n\x87\n", b"P6 9 9 255\n", b"\x80\x04cos\nsystem\n", b"PK\x03\x04",
    b"\0\0\0\x18ftypheic", b"\0\0\0 ftypavif", b"\0\0\0\x14ftypqt  ",
    b"GIF89a", b"RIFF\xff\xff\xff\xffWEBPVP8 ", b"BM" + b"\xff" * 60,
)  # fmt: skip


def prepare(home: Path) -> list[bytes]:
    """Create good pictures in every format and mode, with animations and metadata among them."""
    rng = np.random.default_rng(0)
    if find_spec("pillow_heif"):
        import pillow_heif

        pillow_heif.register_heif_opener()  # the encoder
    corpus = []
    for kind in FORMATS:
        for mode in MODES:
            for size in ((1, 1), (37, 23)):
                corpus += _encoded(_picture(rng, mode, size), kind)
    frames = [_picture(rng, "RGB", (24, 24)) for _ in range(4)]
    for kind in ("GIF", "WEBP", "TIFF", "PNG"):
        corpus += _encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", *ISO_MEDIA):
        corpus += _encoded(frames[0], kind, exif=exif)
    corpus += _encoded(frames[0], "JPEG", progressive=True)
    for way in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        corpus += _encoded(frames[0], "TIFF", compression=way)
    return corpus


def attempt(rng: random.Random, corpus: list[bytes], home: Path) -> str:
    """Corrupt one picture, and decode it."""
    how = rng.random()
    if how < 0.03:
        data = rng.choice(STRANGERS) + rng.randbytes(rng.choice((0, 10, 5000)))
    elif how < 0.12:
        data = _bomb(rng, corpus)
    else:
        data = spoilt(rng.choice(corpus), rng, [rng.choice(corpus)])
    try:
        with in_children():
            image = open_image(data, name="fuzzed")
    except BadImage as error:
        return error.reason
    assert image.mode in ("L", "RGB"), image.mode
    assert image.width * image.height <= MAX_PIXELS
    assert to_array(image, 16, 3).shape == (3, 16, 16)
    return "decoded"


def _picture(rng: np.random.Generator, mode: str, size: tuple[int, int]) -> Image.Image:
    width, height = size
    if mode in ("I", "I;16", "F"):
        types = {"I": np.int32, "I;16": np.uint16, "F": np.float32}
        return Image.fromarray(rng.integers(0, 60_000, (height, width)).astype(types[mode]))
    whole = Image.fromarray(rng.integers(0, 256, (height, width, 4), np.uint8))
    return whole.convert("RGB").convert(mode) if mode in ("LAB", "YCbCr") else whole.convert(mode)


def _encoded(image: Image.Image, kind: str, **options: object) -> list[bytes]:
    out = io.BytesIO()
    try:
        image.save(out, kind, **options)
    except (OSError, KeyError, ValueError):  # not every format supports every mode
        return []
    return [out.getvalue()]


def _bomb(rng: random.Random, corpus: list[bytes]) -> bytes:
    """A small PNG, AVIF or HEIC with a large size in its header, some with pixels to match."""
    boxed = [data for data in corpus if b"ispe" in data]
    if boxed and rng.random() < 0.3:
        return _claiming(rng.choice(boxed), rng)
    side = rng.choice((8_000, 9_000, 12_000, 20_000, 65_535, 2**31 - 1))
    width, height = rng.choice(((side, side), (side, 1), (1, side)))
    depth, colours = rng.choice(((1, 0), (8, 0), (8, 2), (8, 6), (16, 6), (8, 3)))
    head = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, rng.choice((0, 1)))
    rows = zlib.compress(bytes(rng.choice((0, 10, 10**6, 5 * 10**7))), 9)
    chunks = [(b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")]
    if rng.random() < 0.5:
        chunks.insert(1, (b"zTXt", b"note\0\0" + zlib.compress(bytes(20_000_000))))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _claiming(data: bytes, rng: random.Random) -> bytes:
    """An AVIF or HEIC that claims another size than its coded pixels have."""
    sides = [rng.choice((0, 1, 8_000, 8_001, 65_535, 2**31 - 1, 2**32 - 1)) for _ in range(2)]
    at = data.index(b"ispe") + 8  # after the box's type, its version and flags
    return data[:at] + struct.pack(">II", *sides) + data[at + 8 :]


if __name__ == "__main__":
    main(Fuzzer("fuzz_images", "pictures", prepare, attempt))
