"""One picture of the history: when it was painted, from what, and whether a search finds it."""

import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

ID = re.compile(r"0[0-9a-f]{31}")
"""An id; the leading 0 keeps its time before the year 2500, which every reader can tell."""

CLOCK_DIGITS = 12
"""Leading hex digits of an id: milliseconds since 1970. So ids, and file names, sort by time."""


def new_id(milliseconds: int) -> str:
    """Return a new id: a time since 1970 in twelve hex digits, then 80 random bits."""
    return f"{milliseconds:0{CLOCK_DIGITS}x}{secrets.token_hex(10)}"


def milliseconds_of(name: str) -> int:
    """Return the time of an id, in milliseconds since 1970."""
    return int(name[:CLOCK_DIGITS], 16)


@dataclass(frozen=True, eq=False)
class Entry:
    """What the history knows of a picture.

    Attributes:
        id: Its id, which is the stem of its file name.
        parameters: What its PNG records; {} for a picture without parameters.
        favourite: Whether the user marked it.
    """

    id: str
    parameters: Mapping[str, Any]
    favourite: bool = False

    @property
    def time(self) -> str:
        """When it was kept, in UTC."""
        return datetime.fromtimestamp(milliseconds_of(self.id) / 1000, UTC).isoformat(
            timespec="milliseconds"
        )

    @property
    def size(self) -> tuple[int | None, int | None]:
        """Width and height, if its parameters say so."""
        found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", str(self.parameters.get("size")))
        return (int(found[1]), int(found[2])) if found else (None, None)

    @cached_property
    def text(self) -> str:
        """What a search looks through: prompt, negative prompt, model, seed and kind of edit."""
        names = ("prompt", "negative", "model", "seed", "mode", "sampler", "bridge")
        return folded(" ".join(str(self.parameters.get(name) or "") for name in names))

    def found_by(self, words: list[str]) -> bool:
        """Whether every one of some folded words occurs in it."""
        return all(word in self.text for word in words)

    def marked(self, favourite: bool) -> "Entry":
        """Return the entry, marked as a favourite or not."""
        return replace(self, favourite=favourite)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        width, height = self.size
        return {
            "id": self.id,
            "url": f"/api/gallery/{self.id}.png",
            "width": width,
            "height": height,
            "prompt": self.parameters.get("prompt", ""),
            "seed": self.parameters.get("seed"),
            "model": self.parameters.get("model"),
            "time": self.time,
            "favourite": self.favourite,
            "parameters": dict(self.parameters),
        }


def png_size(png: bytes) -> tuple[int, int]:
    """Return width and height of a PNG that we encoded."""
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def folded(text: str) -> str:
    """Return a text in which capitals and ways to write an accent make no difference."""
    return unicodedata.normalize("NFC", text).casefold()
