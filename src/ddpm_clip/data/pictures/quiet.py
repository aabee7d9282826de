"""No warnings from a picture's decoder, in this thread only.

`warnings.catch_warnings` swaps the filters of the whole process; two threads that do so at once
leave the wrong ones behind. Here one filter stays for good and asks in which thread it is. Knows
nothing of pictures but the one warning that is an error.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL.Image import DecompressionBombWarning

_here = threading.local()


class _InQuiet:
    """Stands where a filter has the pattern of its message; matches all of them, in one thread."""

    def match(self, text: str) -> bool:
        return bool(getattr(_here, "quiet", False))


_QUIET = _InQuiet()
_FILTERS: list[Any] = [
    ("error", _QUIET, DecompressionBombWarning, None, 0),
    ("ignore", _QUIET, Warning, None, 0),
]


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore warnings inside; that a picture is far too large is raised instead."""
    filters: Any = warnings.filters
    if filters[:2] != _FILTERS:  # another block may have put its own before ours
        filters[:0] = _FILTERS
    before, _here.quiet = getattr(_here, "quiet", False), True
    try:
        yield
    finally:
        _here.quiet = before
