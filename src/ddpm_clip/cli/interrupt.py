"""Leaving at a good moment: the first Ctrl-C or SIGTERM is a request, the second an order.

A command asks `GracefulShutdown.asked` between two steps and then stops cleanly.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], None]

_next_words: list[str] = []
"""How to go on, the innermost last; see `going_on_by`."""


class Interrupted(BaseException):
    """Work was ended on request, and what was done is safe.

    No `Exception`, as `KeyboardInterrupt` is none: code that survives errors must not survive it.

    Args:
        signum: the signal that asked.
        message: the last line a person sees; says how to go on.
    """

    def __init__(self, signum: int, message: str):
        super().__init__(message)
        self.signum, self.message = signum, message

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + self.signum


class GracefulShutdown:
    """While it is entered, the first request is only noted; the second leaves at once.

    Args:
        promise: what is said to the first.
        echo: seconds in which a second one counts as the first: a cluster may signal a process
            and its launcher, which hands it on.
    """

    def __init__(self, promise: str = "finishing this step", echo: float = 0.0):
        self.promise, self.echo = promise, echo
        self.asked: int | None = None
        self._when = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "GracefulShutdown":
        self._before = _listen(self._noted)
        return self

    def __exit__(self, *_: object) -> None:
        _restore(self._before)

    def _noted(self, signum: int, frame: FrameType | None) -> None:
        if self.asked is not None:
            if time.monotonic() - self._when < self.echo:
                return
            os._exit(128 + signum)  # what is on disk is whole: it was published by renames
        self.asked, self._when = signum, time.monotonic()
        # to the descriptor, since a handler may run in the middle of a print
        os.write(2, f"\n{self.promise}; once more to leave at once\n".encode())


@contextmanager
def going_on_by(words: str) -> Iterator[None]:
    """Within it, whoever is interrupted is told `words`: how to go on."""
    _next_words.append(words)
    try:
        yield
    finally:
        _next_words.remove(words)


def farewell(first: str, otherwise: str = "") -> str:
    """The last line of who is interrupted: `first`, then how to go on, or `otherwise`."""
    return " ".join(part for part in (first, *(_next_words[-1:] or [otherwise])) if part)


@contextmanager
def signals_unwind() -> Iterator[None]:
    """Outside `GracefulShutdown` both signals raise, each with its own exit code."""
    words = {signal.SIGINT: "Interrupted.", signal.SIGTERM: "Terminated."}

    def leave(signum: int, frame: FrameType | None) -> None:
        told = farewell(words[signal.Signals(signum)])
        if _is_importing(frame):  # an exception that leaves a compiled module's start aborts
            os.write(2, f"{told}\n".encode())
            os._exit(128 + signum)
        raise Interrupted(signum, told)

    before = _listen(leave)
    try:
        yield
    finally:
        _restore(before)


def _listen(handler: Handler) -> dict[int, Any]:
    """Take over both signals; returns who listened before. One that is ignored stays ignored."""
    before: dict[int, Any] = {}
    for signum in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(signum) is signal.SIG_IGN:
            continue
        with suppress(ValueError):  # only the main thread may listen
            before[signum] = signal.signal(signum, handler)
    return before


def _restore(before: dict[int, Any]) -> None:
    for signum, handler in before.items():
        signal.signal(signum, handler)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
