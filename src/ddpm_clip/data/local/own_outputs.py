"""Recognises outputs of this package among a user's pictures, by what they hold.

A run or a packed model is known by its facts file, a painted picture by its parameters, a sheet, a
figure or an animation by the mark of `utils.visualization`. Names and folders mean nothing, so a
renamed run is recognised, and a user's own `run.json` is not.
"""

import struct
from collections.abc import Callable, Iterable
from typing import BinaryIO

from ddpm_clip.data.pictures.left_out import MODELS, PAINTED, RUNS, SHEETS
from ddpm_clip.data.pictures.png_texts import KEY, SIGNATURE
from ddpm_clip.utils.untrusted import parse_json
from ddpm_clip.utils.visualization import MARK

FACTS = {
    "run.json": (RUNS, {"format", "ddpm_clip"}),
    "config.json": (MODELS, {"format", "ddpm_clip", "config"}),
}
"""Name of a file in a folder of ours -> its kind, and keys that the file has."""

MAX_FACTS = 4 * 2**20
"""Most bytes of a facts file; a packed model with a thousand classes has 50,000."""

MOST_CHUNKS = 64
"""Most chunks of a PNG that are looked at; ours have their texts right after the header."""

GIF_HEAD = 1024
"""First bytes of a GIF that are searched; the comment follows the palette of 768 bytes."""

_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
_PAINTED = KEY.encode() + b"\0"
_MARKED = b"Software\0" + MARK.encode()
_COMMENT = b"!\xfe" + bytes([len(MARK)]) + MARK.encode() + b"\0"


def folder_kind(names: Iterable[str], read: Callable[[str], bytes]) -> str | None:
    """Return which output of ours a folder is, with all its subfolders; None if it is none.

    Args:
        names: names of its files.
        read: function from such a name to the file's content; may raise `OSError` or `ValueError`.
    """
    for name in FACTS.keys() & set(names):
        kind, keys = FACTS[name]
        try:
            facts = parse_json(read(name), finite=False)
        except (OSError, ValueError):
            continue
        if isinstance(facts, dict) and keys <= facts.keys():
            return kind
    return None


def may_be_ours(name: str) -> bool:
    """Whether a file with this name can be a picture of ours, so that it is worth a look."""
    return name.lower().endswith((".png", ".gif"))


def picture_kind(file: BinaryIO) -> str | None:
    """Return whether a picture is painted by a model or a sheet of ours; None if it is neither.

    Reads a few hundred bytes. Damaged files are none of ours.
    """
    try:
        start = file.read(len(SIGNATURE))
        if start[:4] == b"GIF8":
            return SHEETS if _COMMENT in file.read(GIF_HEAD) else None
        return _kind_of_png(file) if start == SIGNATURE else None
    except (OSError, struct.error):
        return None


def _kind_of_png(file: BinaryIO) -> str | None:
    for _ in range(MOST_CHUNKS):
        size, kind = struct.unpack(">I4s", file.read(8))
        if kind in (b"IDAT", b"IEND"):
            return None
        left = size + 4  # with the checksum
        if kind in _TEXTS:
            start = file.read(min(size, len(_MARKED)))
            left -= len(start)
            if start.startswith(_PAINTED):
                return PAINTED
            if start == _MARKED and size == len(_MARKED):
                return SHEETS
        file.seek(left, 1)
    return None
