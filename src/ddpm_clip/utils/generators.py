"""Runs a generator that yields progress and returns a result to its end."""

from collections.abc import Callable, Generator
from typing import TypeVar

Yielded = TypeVar("Yielded")
Result = TypeVar("Result")


def finish(
    work: Generator[Yielded, None, Result], show: Callable[[Yielded], object] | None = None
) -> Result:
    """Run a generator to its end and return its result.

    Args:
        work: The generator, which may be started already.
        show: Function that is called with everything that `work` yields. Its exceptions are not
            caught; the caller must close `work` then.
    """
    while True:
        try:
            value = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        if show is not None:
            show(value)
