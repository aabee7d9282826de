"""The folder of painted pictures: each a PNG with its parameters, named by its id.

Safe to use from several threads of one process. The folder may be copied, and its pictures deleted
by hand, while no studio runs.
"""

import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from ddpm_clip.errors import MissingInput, StorageError
from ddpm_clip.studio.gallery import index
from ddpm_clip.studio.gallery.entry import ID, Entry, folded, milliseconds_of, new_id
from ddpm_clip.utils import storage

MOST = 100_000
"""Most pictures that are kept."""

LONGEST_PAGE = 500
"""Most pictures that are listed at once."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some pictures, newest first, the id to continue with if there are more, and how many fit."""

    entries: tuple[Entry, ...]
    next: str | None
    total: int

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        pictures = [one.as_dict() for one in self.entries]
        return {"pictures": pictures, "next": self.next, "total": self.total}


class History:
    """All pictures that were kept.

    Args:
        folder: Where they are; made if it does not exist, readable by its owner only.
    """

    def __init__(self, folder: Path):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        storage.sweep(folder)
        self.folder = folder
        self._lock = Lock()
        self._entries = index.opened(folder)
        self._ids = list(self._entries)  # ascending, so by time

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, pictures: Sequence[tuple[bytes, dict[str, Any]]]) -> list[Entry]:
        """Keep pictures, each given as a PNG and the parameters that it records.

        Raises:
            StorageError: The history is full, or the disk is.
        """
        with self._lock:
            if len(self) + len(pictures) > MOST:
                raise StorageError(
                    "the gallery is full",
                    f"it keeps {MOST:,} pictures",
                    "delete some, or start the studio with another --home",
                )
            latest, n = self._after_all(), len(pictures)
            entries = [  # of pictures kept together, the first is the newest
                Entry(new_id(latest + n - 1 - i), parameters)
                for i, (_, parameters) in enumerate(pictures)
            ]
            try:
                for entry, (png, _) in zip(entries, pictures, strict=True):
                    storage.write_bytes(self._file(entry.id), png)
                    self._note(entry)
                index.append(self.folder, map(index.added, entries))
            except OSError as error:
                raise StorageError(
                    "the picture could not be kept in the gallery",
                    error.strerror or "the disk cannot be written",
                    "free some space",
                ) from error
            return entries

    def entry(self, name: str) -> Entry:
        """Return a picture's entry.

        Raises:
            MissingInput: There is no such picture.
        """
        try:
            return self._entries[name]
        except KeyError as error:
            raise MissingInput(
                "no such picture in the gallery", "it was deleted", "reload the gallery"
            ) from error

    def png(self, name: str) -> bytes:
        """Return the bytes of a picture.

        Raises:
            MissingInput: There is no such picture, or its file was deleted by hand.
        """
        path = self._file(self.entry(name).id)
        try:
            return path.read_bytes()
        except OSError as error:
            raise MissingInput(
                "no such picture in the gallery", "its file cannot be read", "reload the gallery"
            ) from error

    def page(
        self, query: str = "", before: str | None = None, limit: int = 60, *, marked: bool = False
    ) -> Page:
        """Return pictures, newest first.

        Args:
            query: Words that all have to occur in prompt, model, seed or other settings.
            before: Only pictures older than this id.
            limit: Most pictures, at most `LONGEST_PAGE`.
            marked: Only favourites.
        """
        words, limit = folded(query).split(), max(1, min(limit, LONGEST_PAGE))
        with self._lock:
            known = [self._entries[name] for name in reversed(self._ids)]
        found = [one for one in known if one.found_by(words) and (one.favourite or not marked)]
        rest = found if before is None else [one for one in found if one.id < before]
        more = len(rest) > limit
        return Page(tuple(rest[:limit]), rest[limit - 1].id if more else None, len(found))

    def mark(self, name: str, favourite: bool) -> Entry:
        """Mark a picture as a favourite, or take the mark away.

        Raises:
            MissingInput: There is no such picture.
        """
        with self._lock:
            entry = self.entry(name).marked(favourite)
            index.append(self.folder, [{"id": name, "favourite": favourite}])
            self._entries[name] = entry
        return entry

    def delete(self, names: Sequence[str]) -> int:
        """Delete pictures, and return how many there were; unknown ids are ignored."""
        with self._lock:
            gone = {name for name in names if name in self._entries}
            for name in gone:
                self._file(name).unlink(missing_ok=True)
                del self._entries[name]
            self._ids = [name for name in self._ids if name not in gone]
            if gone:
                index.append(self.folder, [{"id": name, "deleted": True} for name in sorted(gone)])
        return len(gone)

    def _after_all(self) -> int:
        """Return the time in milliseconds, later than of every picture that is there."""
        now = int(1000 * time.time())
        return max(now, milliseconds_of(self._ids[-1]) + 1) if self._ids else now

    def _note(self, entry: Entry) -> None:
        self._ids.insert(bisect_left(self._ids, entry.id), entry.id)
        self._entries[entry.id] = entry

    def _file(self, name: str) -> Path:
        assert ID.fullmatch(name), "ids are checked before they become file names"
        return self.folder / f"{name}.png"
