"""Generators that say how far they are and end by a result: run to their end in one place.

Leaf: imports nothing of ours, and knows nothing of what is yielded.
"""

from collections.abc import Callable, Generator
from typing import TypeVar

Said = TypeVar("Said")
Result = TypeVar("Result")


def finish(
    work: Generator[Said, None, Result], show: Callable[[Said], object] | None = None
) -> Result:
    """Run a generator to its end and hand over what it returns.

    Args:
        work: begun or not.
        show: is handed all that `work` yields. What it raises goes through; closing `work` then
            is the caller's business.
    """
    while True:
        try:
            said = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        if show is not None:
            show(said)
