"""Ctrl-C and SIGTERM: the first stops after the current step, the second at once.

A command checks `GracefulShutdown.asked` between two steps and then stops cleanly.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], None]

_hints: list[str] = []
"""Hints on how to continue, the innermost last; see `continue_hint`."""


class Interrupted(BaseException):
    """The work was stopped on request, and finished work is saved.

    Like `KeyboardInterrupt` it is not an `Exception`, so that code that handles errors does not
    catch it.

    Args:
        signum: the signal that was received.
        message: the last line that is printed; says how to continue.
    """

    def __init__(self, signum: int, message: str):
        super().__init__(message)
        self.signum, self.message = signum, message

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + self.signum


class GracefulShutdown:
    """Within it, the first signal is only recorded; the second ends the process at once.

    Args:
        promise: what is printed at the first signal.
        echo: seconds within which a second signal counts as the first one: a cluster may signal
            both a process and its launcher, which passes the signal on.
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
            os._exit(128 + signum)  # files on disk are complete: they are published by renames
        self.asked, self._when = signum, time.monotonic()
        # to the file descriptor, because the handler may run in the middle of a print
        os.write(2, f"\n{self.promise}; interrupt again to quit at once\n".encode())


def end_process() -> None:
    """End the process now, successfully, although a thread is in the middle of its work.

    The usual end aborts if a thread is importing a compiled module.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # files on disk are complete: they are published by renames


@contextmanager
def continue_hint(hint: str) -> Iterator[None]:
    """Within it, the message after an interruption ends with `hint`: how to continue."""
    _hints.append(hint)
    try:
        yield
    finally:
        _hints.remove(hint)


def with_hint(first: str, otherwise: str = "") -> str:
    """Return the message after an interruption: `first`, then the hint, or `otherwise`."""
    return " ".join(part for part in (first, *(_hints[-1:] or [otherwise])) if part)


@contextmanager
def signals_unwind() -> Iterator[None]:
    """Let both signals raise `Interrupted` outside `GracefulShutdown`."""
    words = {signal.SIGINT: "Interrupted.", signal.SIGTERM: "Terminated."}

    def leave(signum: int, frame: FrameType | None) -> None:
        message = with_hint(words[signal.Signals(signum)])
        if _is_importing(frame):  # an exception during the import of a compiled module aborts
            os.write(2, f"{message}\n".encode())
            os._exit(128 + signum)
        raise Interrupted(signum, message)

    before = _listen(leave)
    try:
        yield
    finally:
        _restore(before)


def _listen(handler: Handler) -> dict[int, Any]:
    """Handle both signals; return the previous handlers. Ignored signals stay ignored."""
    before: dict[int, Any] = {}
    for signum in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(signum) is signal.SIG_IGN:
            continue
        with suppress(ValueError):  # only the main thread may set handlers
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
