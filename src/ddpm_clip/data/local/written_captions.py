"""Captions that a user wrote: `metadata.jsonl` in a folder, or a text file beside a picture."""

import posixpath

from ddpm_clip.errors import DataError
from ddpm_clip.utils.untrusted import parse_json

METADATA = "metadata.jsonl"
MAX_CAPTION = 65_536

BESIDE = ".txt"
"""Suffix of the text file that holds the caption of the picture of the same stem."""


def read_metadata(content: bytes, where: str) -> dict[str, str]:
    """Return the captions in a metadata file, by path relative to its folder.

    Each line is an object with `file_name`, and `text` or `caption`; others have no caption.

    Args:
        content: the whole file.
        where: name of the file in errors.

    Raises:
        DataError: a line is malformed.
    """
    captions = {}
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = parse_json(line, finite=False)
            text = entry.get("text", entry.get("caption"))
            captions[posixpath.normpath(entry["file_name"])] = text
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{where}, line {number} is not a caption",
                str(error),
                'each line needs {"file_name": …, "text": …}',
            ) from error
    return {path: text for path, text in captions.items() if isinstance(text, str)}


def caption_of(content: bytes) -> str | None:
    """Return the caption that a text file holds, None if it is blank."""
    return content[:MAX_CAPTION].decode("utf-8", "replace").strip() or None


def is_caption(name: str, stems: set[str]) -> bool:
    """Whether a file is the caption of a picture, given the stems of the pictures beside it."""
    return name.endswith(BESIDE) and name.removesuffix(BESIDE) in stems
