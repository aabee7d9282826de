"""Pictures in memory under random names, until there is no room or time for them.

Nothing is stored under a name that a client chose, and nothing is read from a disk.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ddpm_clip.errors import MissingInput, UsageError
from ddpm_clip.server.service.fields import checked_id
from ddpm_clip.server.service.limits import ServiceLimits


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A PNG of ours.

    Attributes:
        id: Its random name.
        data: The bytes of the PNG.
        width: In pixels.
        height: In pixels.
        owner: Who may read it.
        facts: How it was painted, if we know; see `generation.parameters`.
        created: Time of the process's clock in seconds.
    """

    id: str
    data: bytes
    width: int
    height: int
    owner: str
    facts: dict[str, Any] = field(default_factory=dict)
    created: float = 0.0

    @property
    def url(self) -> str:
        """Its path below the server."""
        return f"/api/pictures/{self.id}.png"

    def as_dict(self) -> dict[str, Any]:
        """Return what the API tells of this picture; how it was painted if we know."""
        told = {"id": self.id, "url": self.url, "width": self.width, "height": self.height}
        if not self.facts:
            return told
        known = {
            name: self.facts[name] for name in ("seed", "prompt", "model") if name in self.facts
        }
        return told | known | {"parameters": self.facts}


class PictureStore:
    """Pictures by id; the oldest give way.

    Args:
        limits: How many, how many bytes, and for how long.
        clock: Returns seconds; replaced in tests.

    Attributes:
        elsewhere: Looks up an id that is none of its own, for an owner; the studio has a gallery.
    """

    def __init__(self, limits: ServiceLimits, clock: Callable[[], float] = time.monotonic):
        self._limits, self._clock = limits, clock
        self.elsewhere: Callable[[str, str], StoredPicture | None] = lambda id, owner: None
        self._kept: OrderedDict[str, StoredPicture] = OrderedDict()
        self._bytes, self._lock = 0, threading.Lock()

    def add(
        self, data: bytes, size: tuple[int, int], owner: str, facts: dict[str, Any] | None = None
    ) -> StoredPicture:
        """Keep a PNG and return it with its random name.

        Args:
            data: The bytes of a PNG that we encoded ourselves.
            size: Width and height.
            owner: Who may read it.
            facts: How it was painted.

        Raises:
            UsageError: It alone is larger than all pictures may be.
        """
        if len(data) > self._limits.picture_bytes:
            raise UsageError("the picture is too large to be kept", fix="use a smaller picture")
        picture = StoredPicture(
            secrets.token_hex(16), data, *size, owner, facts or {}, self._clock()
        )
        with self._lock:
            self._kept[picture.id] = picture
            self._bytes += len(data)
            self._forget()
        return picture

    def get(self, id: str, owner: str) -> StoredPicture:
        """Return a picture.

        Raises:
            UsageError: This is not an id. MissingInput: There is no such picture for this owner.
        """
        checked_id(id, "picture")
        with self._lock:
            self._forget()
            picture = self._kept.get(id)
        picture = self.elsewhere(id, owner) if picture is None else picture
        if picture is None or picture.owner != owner:
            minutes = self._limits.keep_seconds / 60
            raise MissingInput(
                "there is no such picture",
                f"pictures are kept for {minutes:g} minutes, and the oldest give way",
                "paint or upload it again",
                param="picture",
            )
        return picture

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """Bytes of all kept pictures."""
        return self._bytes

    def _forget(self) -> None:
        """Remove what is too old or too much; the lock is held."""
        oldest = self._clock() - self._limits.keep_seconds
        while self._kept:
            first = next(iter(self._kept.values()))
            full = (
                len(self._kept) > self._limits.pictures or self._bytes > self._limits.picture_bytes
            )
            if not full and first.created >= oldest:
                break
            del self._kept[first.id]
            self._bytes -= len(first.data)
