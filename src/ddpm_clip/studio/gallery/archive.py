"""Some pictures of the history as a zip, written while it is sent."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from ddpm_clip.errors import MissingInput
from ddpm_clip.studio.gallery.entry import Entry
from ddpm_clip.studio.gallery.history import History


def zipped(history: History, entries: Sequence[Entry]) -> Iterator[bytes]:
    """Yield a zip in parts, one picture at a time: names tell position, seed and id, no prompt.

    A picture that was deleted in the meantime is left out.
    """
    parts = _Parts()
    with zipfile.ZipFile(parts, "w", zipfile.ZIP_STORED) as archive:  # a PNG is compressed already
        for number, entry in enumerate(entries, start=1):
            try:
                png = history.png(entry.id)
            except MissingInput:
                continue
            seed = entry.parameters.get("seed")
            seeded = f"{seed}-" if isinstance(seed, int) else ""
            name = f"{number:04d}-{seeded}{entry.id[-8:]}.png"
            made = datetime.fromisoformat(entry.time).timetuple()[:6]
            archive.writestr(zipfile.ZipInfo(name, made), png)
            yield parts.taken()
    yield parts.taken()


class _Parts(io.RawIOBase):
    """A file to write to, whose bytes are taken away as they come."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._bytes += data
        return len(data)

    def taken(self) -> bytes:
        part = bytes(self._bytes)
        self._bytes.clear()
        return part
