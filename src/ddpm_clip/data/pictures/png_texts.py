"""Reads the texts of a PNG, and our painting parameters among them, without decoding pixels.

A picture may come from anyone: chunks are read one by one within limits, a compressed text is
decompressed only up to the allowed length, and only plain parameters of the right type are
returned. No parameter is used as a path to open.
"""

import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ddpm_clip.data.pictures.images import read_bytes
from ddpm_clip.errors import DataError
from ddpm_clip.utils.untrusted import parse_json

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEY = "ddpm_clip"
"""Key of the text that holds the parameters of our pictures, as JSON."""

AS_WRITTEN = "use the original, unedited file"

MAX_TEXT = 65_536
"""Most bytes of one text."""

MAX_CHUNKS = 2**20
"""Most chunks of a picture; one of 256 MiB has about 30,000."""

MAX_TEXTS = 64
"""Most texts that are read from a picture, and most values in a list."""

LONGEST = 4_000
"""Most characters of one value; the limit of a prompt too."""

KINDS: dict[str, Any] = {
    "ddpm_clip": str, "prompt": str, "negative": str | None, "seed": int, "guidance": int | float,
    "w": int | float, "steps": int, "sampler": str, "bridge": str | None, "clamp": str,
    "interval": list | None, "rescale": int | float, "bounded": bool, "unconditional": bool,
    "size": str, "model": str, "model_fingerprint": str, "packed": bool, "embedder": str,
    "dtype": str, "device": str, "torch": str, "cpu": str, "threads": int, "micro_batch": int,
    "batch": int, "batch_pictures": int, "batch_guidance": list, "position": int,
    "clip_guidance": int | float, "clip_guide": str | None, "clip_interval": list,
    "clip_travel": int, "clip_views": int,
    "mode": str,
}  # fmt: skip
"""Type of each parameter that every picture records; unknown ones may be any plain value."""


def read_texts(path: str | Path) -> dict[str, str]:
    """Return the texts of a PNG by key; if a key occurs twice, the first text.

    Raises:
        BadImage: The file cannot be read.
        DataError: The file is not a PNG, or its chunks are damaged.
    """
    return texts_in(read_bytes(path), path)


def texts_in(data: bytes, path: str | Path = "the picture") -> dict[str, str]:
    """Return the texts of a PNG that is in memory; `path` names it in errors.

    Raises:
        DataError: As in `read_texts`.
    """
    if not data.startswith(SIGNATURE):
        raise DataError(
            f"{path} is not a PNG", "it lacks the PNG signature", "use the original PNG file"
        )
    texts: dict[str, str] = {}
    try:
        for kind, body in islice(_chunks(data), MAX_TEXTS):  # decompressing takes time
            key, text = _READERS[kind](body)
            texts.setdefault(key, text)
    except (ValueError, zlib.error, struct.error) as error:
        raise DataError(f"the texts in {path} are damaged", str(error)[:200], AS_WRITTEN) from error
    return texts


def read_parameters(path: str | Path) -> dict[str, Any]:
    """Return the parameters with which one of our pictures was painted.

    Raises:
        BadImage: The file cannot be read.
        DataError: As in `read_texts`; or there are no parameters, or some are not plain values.
    """
    return parameters_in(read_bytes(path), path)


def parameters_in(data: bytes, path: str | Path = "the picture") -> dict[str, Any]:
    """Return the parameters of a picture that is in memory; `path` names it in errors.

    Raises:
        DataError: As in `read_parameters`.
    """
    text = texts_in(data, path).get(KEY)
    if text is None:
        raise DataError(
            f"{path} does not say how it was painted",
            f"it has no text {KEY!r}",
            "use a picture painted by ddpm-clip without --no-metadata",
        )
    try:
        facts = parse_json(text)
        if not isinstance(facts, dict):
            raise ValueError(f"they are a {type(facts).__name__}, not an object")
    except ValueError as error:
        raise damaged(path, str(error)) from error
    check_kinds(path, facts, KINDS)
    return facts


def check_kinds(path: str | Path, facts: Mapping[str, Any], kinds: Mapping[str, Any]) -> None:
    """Raise a `DataError` unless all parameters are plain, and known ones have their type.

    Args:
        path: The picture that they are from.
        facts: The parameters, by name.
        kinds: Types of known parameters, by name.
    """
    try:
        for name, value in facts.items():
            _check(name, value, kinds.get(name))
    except ValueError as error:
        raise damaged(path, str(error)) from error


def damaged(path: str | Path, why: str) -> DataError:
    """The error for a picture with impossible parameters."""
    return DataError(f"the parameters in {path} are damaged", why[:200], AS_WRITTEN)


def _check(name: str, value: Any, kind: Any) -> None:
    right = kind is None or isinstance(value, kind)
    if not right or (isinstance(value, bool) and kind not in (None, bool)):
        raise ValueError(f"{name[:40]!r} is {type(value).__name__}")
    for one in value if isinstance(value, list) else [value]:
        plain = isinstance(one, str | int | float | None) and len(str(one)) <= LONGEST
        if not plain or (isinstance(one, float) and not math.isfinite(one)):
            raise ValueError(f"{name[:40]!r} is not a plain value")
    if isinstance(value, list) and len(value) > MAX_TEXTS:
        raise ValueError(f"{name[:40]!r} has {len(value)} values, more than {MAX_TEXTS}")


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (kind, body) of each text chunk, up to the end of the picture; check checksums."""
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(data):
            raise ValueError("the file is cut off")
        (size,) = struct.unpack_from(">I", data, at)
        kind, end = data[at + 4 : at + 8], at + 12 + size
        if end > len(data):
            raise ValueError(f"chunk {kind!r} claims {size:,} bytes")
        if kind in _READERS:
            body = data[at + 8 : end - 4]
            if zlib.crc32(kind + body) != struct.unpack_from(">I", data, end - 4)[0]:
                raise ValueError(f"the checksum of chunk {kind!r} is wrong")
            yield kind, body
        if kind == b"IEND":
            return
        at = end
    raise ValueError(f"it has more than {MAX_CHUNKS:,} chunks")


def _plain(body: bytes) -> tuple[str, str]:
    key, nul, text = body.partition(b"\0")
    return _key(key, nul), _short(text).decode("latin-1")


def _packed(body: bytes) -> tuple[str, str]:
    key, nul, rest = body.partition(b"\0")
    return _key(key, nul), _unpacked(rest[1:]).decode("latin-1")


def _international(body: bytes) -> tuple[str, str]:
    key, nul, rest = body.partition(b"\0")
    packed, rest = rest[:1] == b"\1", rest[2:]
    text = rest.partition(b"\0")[2].partition(b"\0")[2]  # after language and translated key
    return _key(key, nul), (_unpacked(text) if packed else _short(text)).decode("utf-8")


_READERS = {b"tEXt": _plain, b"zTXt": _packed, b"iTXt": _international}


def _key(key: bytes, nul: bytes) -> str:
    if not nul or not 1 <= len(key) <= 79:
        raise ValueError("a text has no valid key")
    return key.decode("latin-1")


def _short(text: bytes) -> bytes:
    if len(text) > MAX_TEXT:
        raise ValueError(f"a text has more than {MAX_TEXT:,} bytes")
    return text


def _unpacked(text: bytes) -> bytes:
    """Decompress at most one byte more than allowed, so that a zip bomb is never expanded."""
    return _short(zlib.decompressobj().decompress(text, MAX_TEXT + 1))
