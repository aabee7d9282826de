"""Silences the warnings of a picture's decoder in one thread only.

`warnings.catch_warnings` swaps the filters of the whole process, and two threads that do so at
once leave the wrong filters behind. Here one filter is installed for good and checks in which
thread it runs.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL.Image import DecompressionBombWarning

_here = threading.local()


class _InQuiet:
    """Takes the place of a filter's message pattern; matches every message in a quiet thread."""

    def match(self, text: str) -> bool:
        return bool(getattr(_here, "quiet", False))


_QUIET = _InQuiet()
_FILTERS: list[Any] = [
    ("error", _QUIET, DecompressionBombWarning, None, 0),
    ("ignore", _QUIET, Warning, None, 0),
]


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore warnings in this thread, but raise the one that a picture is far too large."""
    filters: Any = warnings.filters
    if filters[:2] != _FILTERS:  # other code may have put its filters before ours
        filters[:0] = _FILTERS
    before, _here.quiet = getattr(_here, "quiet", False), True
    try:
        yield
    finally:
        _here.quiet = before
