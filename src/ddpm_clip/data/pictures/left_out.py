"""What a source found but left out: counted by type, and said with the way to read it.

Every source of files counts here, and every command says it in these words: `scan` prints them,
what trains or embeds warns with them (`warn_of_left_out`).
"""

import os
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ddpm_clip.data.pictures.formats import WAYS
from ddpm_clip.errors import DdpmClipWarning

MOST_TYPES = 1000
"""Most types that are told apart; a source may come from anyone."""

LONGEST_TYPE = 20
SHOWN = 12
"""Most types that a sentence names."""

NO_SUFFIX = "without a suffix"
REST = "of further types"

RUNS, MODELS, PAINTED, SHEETS = "runs", "packed models", "painted pictures", "sheets and figures"
OWN = (RUNS, MODELS, PAINTED, SHEETS)
"""Kinds of outputs of this package."""

LINKS, LOCKED = "linked folders", "folders that cannot be listed"
_ONE = {SHEETS: "sheet or figure", LOCKED: "folder that cannot be listed", LINKS: "linked folder"}
_REMARKS = {LINKS: "links are not followed", LOCKED: "their permissions forbid it"}


@dataclass(slots=True)
class LeftOut:
    """Numbers of the files that are no pictures of a source, by type.

    Attributes:
        types: suffixes without their dots, in lower case; or kinds of folders.
        own: outputs of this package, by kind.
    """

    types: Counter[str] = field(default_factory=Counter)
    own: Counter[str] = field(default_factory=Counter)

    def add(self, name: str) -> None:
        """Count a file by the suffix of its name."""
        suffix = os.path.splitext(name)[1][1:].lower()
        kind = suffix if 0 < len(suffix) <= LONGEST_TYPE else REST if suffix else NO_SUFFIX
        self.count(kind)

    def count(self, kind: str) -> None:
        """Count one of a kind."""
        crowded = len(self.types) >= MOST_TYPES and kind not in self.types
        self.types[REST if crowded else kind] += 1

    @property
    def files(self) -> int:
        """How many were left out, outputs of this package apart."""
        return self.types.total()

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints: numbers and ways by type, and numbers of own outputs."""
        return {
            "types": {
                kind: {"number": n, "how_to_read": _way(kind)} for kind, n in self._by_number()
            },
            "own_outputs": {kind: n for kind, n in self.own.items() if n},
        }

    def lines(self) -> list[str]:
        """Return one line for all types that are read in the same way, the most frequent first."""
        by_way: dict[str, list[str]] = {}
        for kind, n in self._by_number():
            by_way.setdefault(_way(kind), []).append(_numbered(n, kind))
        shown = [
            _short(types) + (f" ({way})" if way else " (no pictures)")
            for way, types in sorted(by_way.items(), key=lambda item: not item[0])
        ]
        own = [_numbered(self.own[kind], kind) for kind in OWN if self.own[kind]]
        return shown + ([f"{', '.join(own)} (made by ddpm-clip itself)"] if own else [])

    def _by_number(self) -> list[tuple[str, int]]:
        return sorted(self.types.items(), key=lambda item: (-item[1], item[0]))


def left_out_of(source: object) -> LeftOut:
    """Return what a source left out; a subset leaves out what the whole source does."""
    found = getattr(source, "left_out", None)
    whole = getattr(source, "whole", None)
    if isinstance(found, LeftOut):
        return found
    return left_out_of(whole) if whole is not None else LeftOut()


def has_files(source: object) -> bool:
    """Whether a source consists of files that a user collected."""
    return hasattr(getattr(source, "whole", source), "left_out")


def warn_of_left_out(source: object) -> None:
    """Warn of what a source left out, if it left out anything."""
    if lines := left_out_of(source).lines():
        name = getattr(source, "name", "the source").removeprefix("folder:")
        text = f"left out of {name}: {'; '.join(lines)}"
        warnings.warn(text, DdpmClipWarning, stacklevel=3)


def _numbered(n: int, kind: str) -> str:
    """Return "2 runs", "1 run" or "1 heic": only kinds of our own words have a singular."""
    own = kind in OWN or kind in _ONE
    return f"{n} {_ONE.get(kind, kind[:-1]) if own and n == 1 else kind}"


def _way(kind: str) -> str:
    return WAYS.get(kind, _REMARKS.get(kind, ""))


def _short(types: list[str]) -> str:
    more = len(types) - SHOWN
    return ", ".join(types[:SHOWN]) + (f" and {more} other types" if more > 0 else "")
