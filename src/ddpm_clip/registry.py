"""A mapping from names to implementations, whose error for an unknown name lists the valid ones.

Each family (schedules, samplers, networks, embedders, bridges, sources, …) is one `Registry`
literal in the family's `__init__.py` or file, so that its entries can be read in one place. Other
packages add entries as plug-ins, through the entry-point group `ddpm_clip` with names
`family.entry` (spaces in a family become underscores).
"""

import difflib
import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from ddpm_clip.errors import DdpmClipWarning, UsageError

Entry = TypeVar("Entry")
GROUP = "ddpm_clip"


class Registry(Mapping[str, Entry], Generic[Entry]):
    """A read-only mapping from names to entries of one family, plug-ins included.

    Built-in names are found without a search for plug-ins, and a plug-in is imported only when its
    entry is used. So listing names is cheap, and a broken plug-in affects no other entry.

    >>> Registry("fruit", {"pear": 1})["paer"]
    Traceback (most recent call last):
    ...
    ddpm_clip.errors.UsageError: unknown fruit 'paer'
      why:  choose from: pear
      fix:  did you mean 'pear'?
    """

    def __init__(self, family: str, entries: Mapping[str, Entry]):
        self.family = family
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Entry:
        if name in self._entries:
            return self._entries[name]
        if name not in self._plug_ins:
            raise unknown_name(self.family, name, self)
        entry: Entry = load_plug_in(self._plug_ins[name])
        return entry

    def __iter__(self) -> Iterator[str]:
        yield from self._entries
        yield from self._plug_ins

    def __len__(self) -> int:
        return len(self._entries) + len(self._plug_ins)

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._plug_ins

    @cached_property
    def usable(self) -> tuple[str, ...]:
        """The names whose entries can be loaded, for code that uses all; warns of the others."""
        return tuple(name for name in self if name in self._entries or self._loads(name))

    @cached_property
    def _plug_ins(self) -> dict[str, EntryPoint]:
        """Entries of installed packages; built-in names win, and of two equal names the first."""
        prefix, found = self.family.replace(" ", "_") + ".", dict[str, EntryPoint]()
        for point in entry_points(group=GROUP):
            name = point.name.removeprefix(prefix)
            if point.name.startswith(prefix) and name not in self._entries:
                found.setdefault(name, point)
        return found

    def _loads(self, name: str) -> bool:
        try:
            self[name]
        except UsageError as error:
            warnings.warn(f"skipped: {error}", DdpmClipWarning, stacklevel=3)
            return False
        return True


def load_plug_in(point: EntryPoint) -> Any:
    """Import and return the object of another package's entry point.

    Raises:
        UsageError: The package cannot be imported, or has no such object.
    """
    try:
        return point.load()
    except Exception as error:  # code of other packages may fail in any way
        package = point.dist.name if point.dist else point.value.partition(":")[0]
        raise UsageError(
            f"the plug-in {point.name!r} cannot be loaded",
            f"{point.value} of the package {package} raises {type(error).__name__}: {error}",
            f"update or uninstall {package}, or choose another name",
        ) from error


def unknown_name(family: str, name: object, known: Mapping[str, object]) -> UsageError:
    """Return the error for an unknown name, which suggests the most similar valid one."""
    # it may come from an untrusted file
    short = name if len(str(name)) <= 100 else str(name)[:100] + "…"
    near = difflib.get_close_matches(str(short), known, n=1, cutoff=0.5)
    fix = f"did you mean {near[0]!r}?" if near else "use one of these names"
    return UsageError(f"unknown {family} {short!r}", f"choose from: {', '.join(known)}", fix)
