"""Collects the warnings of a piece of work, for the client instead of the terminal.

A warning may quote a prompt, so it must not get into the log of a server. Python's filters and its
hook for warnings belong to the whole process, so one hook serves all threads, as long as any of
them collects; warnings of other threads go where they went before.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ddpm_clip.errors import DdpmClipWarning

_here = threading.local()
_lock = threading.Lock()
_hooks: list[warnings.catch_warnings] = []  # one, while any thread collects
_collecting = 0


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Yield a list that gets the messages of this package's warnings in this thread, each once."""
    messages: list[str] = []
    before = getattr(_here, "messages", None)
    _here.messages = messages
    _begin()
    try:
        yield messages
    finally:
        _end()
        _here.messages = before


def _begin() -> None:
    """Set the hook, if no other thread has."""
    global _collecting
    with _lock:
        _collecting += 1
        if _hooks:
            return
        _hooks.append(warnings.catch_warnings())
        _hooks[0].__enter__()
        warnings.simplefilter("always", DdpmClipWarning)
        show = warnings.showwarning

        def showwarning(message: Warning | str, category: type[Warning], *rest: Any) -> None:
            messages: list[str] | None = getattr(_here, "messages", None)
            if messages is None or not issubclass(category, DdpmClipWarning):
                show(message, category, *rest)
            elif str(message) not in messages:
                messages.append(str(message))

        warnings.showwarning = showwarning  # type: ignore[assignment]


def _end() -> None:
    """Remove the hook, if no other thread needs it."""
    global _collecting
    with _lock:
        _collecting -= 1
        if not _collecting:
            _hooks.pop().__exit__(None, None, None)
