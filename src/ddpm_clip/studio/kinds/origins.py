"""What pictures were edited from: a PNG records only a hash of its source, not the picture.

Noted as long as the studio runs, so that an edited picture can be traced and painted again without
asking for its sources.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

MOST = 10_000
"""Most pictures whose sources are noted; the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What one picture was made from: ids of pictures, and of a mask."""

    sources: tuple[str, ...] = ()
    mask: str | None = None


@dataclass
class Origins:
    """The origins of pictures by their ids."""

    _known: OrderedDict[str, Origin] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def note(self, request: Any, ids: Sequence[str]) -> None:
        """Note what the pictures of a request were made from, if from pictures."""
        named = [request, *getattr(request, "ideas", ()), *_ends(request)]
        sources = tuple(filter(None, (getattr(one, "picture", None) for one in named)))
        if not sources:
            return
        with self._lock:
            for id in ids:
                self._known[id] = Origin(sources, getattr(request, "mask", None))
            while len(self._known) > MOST:
                self._known.popitem(last=False)

    def of(self, id: str) -> Origin:
        """Return what a picture was made from, as far as it is known."""
        with self._lock:
            return self._known.get(id, Origin())


def _ends(request: Any) -> list[Any]:
    return [getattr(request, name) for name in ("start", "end") if hasattr(request, name)]
