"""Reads untrusted files: regular files of limited size, with plain data only.

A model, a cache or a config from the internet is read with these functions only. Pipes and devices
are refused without blocking, sizes are checked before memory is allocated, and the results are
plain strings, numbers, lists and tensors.
"""

import json
import math
import os
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_TEXT = 64 * 2**20
"""Largest JSON file in bytes; a model with a large bank lists its keys there."""

MAX_DEPTH = 64
"""Deepest nesting; none of our files has ten levels."""

MAX_HEADER = 16 * 2**20
"""Largest header of a safetensors file in bytes; ours have some thousands."""

MAX_AXES = 16
MAX_NUMBERS = 2**48
"""Largest number of elements of a shape, empty axes counted as 1; torch fails not far above."""

# without 8-bit floats: torch cannot test them for NaN
BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "F64": 8,
    "I64": 8,
    "U64": 8,
}

PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
SIGNATURES = {
    b"PK\x03\x04": "a zip archive, as torch.save writes it", b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x89HDF": "HDF5",
    b"GGUF": "GGUF", b"\x93NUMPY": "a NumPy array", b"Rar!": "a RAR archive",
    **dict.fromkeys(PICKLES, "a Python pickle"),
}  # fmt: skip


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the content of a regular file of at most `limit` bytes.

    Raises:
        OSError: The file does not exist, is not a regular file, or cannot be read.
        ValueError: The file is too large.
    """
    # opening a pipe would block, reading a device would never end
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(f"{path} is not a regular file")
        if facts.st_size > limit:
            raise ValueError(f"it has {facts.st_size:,} bytes, more than {limit:,}")
        return file.read(facts.st_size)


def lacks_limits() -> str:
    """Return a warning if this system cannot bound what reading strangers' files takes, or ""."""
    try:
        import resource  # noqa: F401
    except ImportError:
        return (
            "this system cannot limit the memory of a process (Python has no module `resource` "
            "here): a picture or .pth file that was made to hurt may take all of it"
        )
    return ""


def user_path(name: str | Path) -> Path:
    """Return a path with `~` expanded; that of an unknown user stays unchanged."""
    return Path(os.path.expanduser(name))


def is_file(path: Path) -> bool:
    """Whether a regular file exists; False for an invalid name."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long a name, a loop of links, a folder without access
        return False


def is_there(path: Path) -> bool:
    """Whether a path exists; False for an invalid name."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_text(path: Path, limit: int = MAX_TEXT) -> str:
    """Return the content of a regular file as text.

    Raises:
        OSError: As in `read_bytes`.
        ValueError: The file is too large or not UTF-8.
    """
    return read_bytes(path, limit).decode("utf-8")


def parse_json(text: str | bytes, *, finite: bool = True, replace: bool = True) -> Any:
    """Parse plain JSON of no more than `MAX_DEPTH` levels.

    Args:
        text: The JSON text.
        finite: Refuse NaN, infinity and numbers out of range.
        replace: Replace lone surrogates, which JSON can encode but no file can hold; else refuse
            them.

    Raises:
        ValueError: The text is not plain JSON.
    """
    strict: dict[str, Any] = {"parse_constant": _no_constant, "parse_float": _finite}
    try:
        return whole(json.loads(text, **(strict if finite else {})), replace=replace)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise ValueError("it holds half a character, a lone surrogate") from error


def read_json(path: Path, limit: int = MAX_TEXT) -> Any:
    """Parse a regular file of plain JSON.

    Raises:
        OSError: As in `read_bytes`.
        ValueError: The file is too large or not plain JSON.
    """
    return parse_json(read_text(path, limit))


def read_object(path: Path, limit: int = MAX_TEXT) -> dict[str, Any]:
    """Parse a regular file that holds a JSON object.

    Raises:
        OSError: As in `read_bytes`.
        ValueError: As in `read_json`, or the file holds another type.
    """
    value = read_json(path, limit)
    if not isinstance(value, dict):
        raise ValueError(f"it is not a JSON object but a {type(value).__name__}")
    return value


def whole(value: Any, depth: int = 0, *, replace: bool = True) -> Any:
    """Return plain data with lone surrogates replaced, so that its texts can be written.

    Raises:
        ValueError: There are more than `MAX_DEPTH` levels; or a lone surrogate, if not replaced.
    """
    if depth > MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(value, str):
        errors = "replace" if replace else "strict"
        return value if value.isascii() else value.encode("utf-8", errors).decode("utf-8")
    if isinstance(value, list | tuple):
        return [whole(one, depth + 1, replace=replace) for one in value]
    if isinstance(value, dict):
        return {
            whole(key, replace=replace): whole(one, depth + 1, replace=replace)
            for key, one in value.items()
        }
    return value


def read_safetensors(path: Path, limit: int = 64 * 2**30) -> bytes:
    """Return the bytes of a safetensors file, after checking its header.

    Raises:
        OSError: As in `read_bytes`.
        ValueError: The file has another format, which the message names if known, or is damaged.
    """
    described(path, limit)
    return read_bytes(path, limit)


def described(path: Path, limit: int = 64 * 2**30) -> dict[str, tuple[int, ...]]:
    """Return the shapes in a safetensors file by name, reading only its header.

    Raises:
        OSError: As in `read_bytes`.
        ValueError: The file has another format, which the message names if known, or is damaged.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(f"{path} is not a regular file")
        if facts.st_size > limit:
            raise ValueError(f"it has {facts.st_size:,} bytes, more than {limit:,}")
        start = file.read(8)
        if what := kind_by_content(start):
            raise ValueError(f"it is {what}")
        size = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= size <= min(MAX_HEADER, facts.st_size - 8):
            raise ValueError("the stated size of its header is impossible")
        header = parse_json(file.read(size))
    return _shapes(header, facts.st_size - 8 - size)


def kind_by_content(start: bytes) -> str:
    """Return which known but unsupported format a file has, by its first bytes; else ''."""
    return next((what for mark, what in SIGNATURES.items() if start.startswith(mark)), "")


def _shapes(header: Any, size: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes in a header whose tensors fill `size` bytes without gap or overlap."""
    if not isinstance(header, Mapping):
        raise ValueError("it has no table of tensors")
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
    read = {name: _entry(name, entry) for name, entry in entries.items()}
    at = 0
    for start, end in sorted(span for _, span in read.values()):
        if start != at:
            raise ValueError("its tensors overlap or leave gaps")
        at = end
    if at != size:
        raise ValueError(f"it has {size:,} bytes of tensors, not {at:,}")
    return {name: shape for name, (shape, _) in read.items()}


def _entry(name: str, entry: Any) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Return the shape and byte range of one tensor, after checking that they match."""
    try:
        shape = tuple(entry["shape"])
        start, end = entry["data_offsets"]
        sound = len(shape) <= MAX_AXES and all(map(_is_size, (*shape, start, end)))
        sound = sound and math.prod(max(1, axis) for axis in shape) <= MAX_NUMBERS
        sound = sound and math.prod(shape) * BYTES[entry["dtype"]] == end - start
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"its entry of {name[:80]!r} cannot be read") from error
    if not sound:
        raise ValueError(f"shape and size of {name[:80]!r} do not match")
    return shape, (start, end)


def _is_size(number: object) -> bool:
    return type(number) is int and number >= 0


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not allowed in plain JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is out of range")
    return number
