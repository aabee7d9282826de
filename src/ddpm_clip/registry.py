"""A dict that answers a wrong name with the right ones.

Each family (schedules, samplers, networks, embedders, bridges, sources, …) is one `Registry`
literal in the family's `__init__.py` or file, so that what exists can be read in one place.
Packages outside ours join through the entry-point group `ddpm_clip` with names `family.entry`.
"""

import difflib
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from ddpm_clip.errors import UsageError

Entry = TypeVar("Entry")


class Registry(Mapping[str, Entry], Generic[Entry]):
    """A read-only mapping from names to entries of one family.

    >>> Registry("fruit", {"pear": 1})["paer"]
    Traceback (most recent call last):
    ...
    ddpm_clip.errors.UsageError: unknown fruit 'paer'
      why:  there is: pear
      fix:  did you mean 'pear'?
    """

    def __init__(self, family: str, entries: Mapping[str, Entry]):
        self.family = family
        self._entries = dict(entries)
        self._outside_loaded = False

    def __getitem__(self, name: str) -> Entry:
        if name not in self._entries:
            self._load_outside()
        if name in self._entries:
            return self._entries[name]
        raise unknown_name(self.family, name, self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def _load_outside(self) -> None:
        """Entry points are read once, and only when a name is not ours (start-up stays fast)."""
        if self._outside_loaded:
            return
        self._outside_loaded = True
        prefix = self.family.replace(" ", "_") + "."
        for point in entry_points(group="ddpm_clip"):
            if point.name.startswith(prefix):
                self._entries.setdefault(point.name.removeprefix(prefix), point.load())


def unknown_name(family: str, name: object, known: Mapping[str, object]) -> UsageError:
    """The error for a name that a family does not have, with the nearest one that it has."""
    short = name if len(str(name)) <= 100 else str(name)[:100] + "…"  # it may come from a file
    near = difflib.get_close_matches(str(short), known, n=1, cutoff=0.5)
    fix = f"did you mean {near[0]!r}?" if near else "choose one of these"
    return UsageError(f"unknown {family} {short!r}", f"there is: {', '.join(known)}", fix)
