"""A step cut into micro-batches, and into smaller ones where it does not fit into memory.

Each picture's draws belong to the step, so a cut changes nothing but the order of rounding; group
norms see one picture at a time. Knows nothing of networks.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ddpm_clip.errors import OutOfMemory

MARKS = ("out of memory", "can't allocate memory", "not enough memory")
"""How allocators say it that have no class of error for it."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error is a lack of memory, on whichever device; nothing else is worth a retry."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(mark in str(error).lower() for mark in MARKS)


def halved(parts: int, rows: int, why: str) -> int:
    """Into how many micro-batches a step of `rows` pictures is cut instead of `parts`.

    Raises:
        OutOfMemory: each holds one picture only as it is.
    """
    largest = -(-rows // parts)  # pictures in the largest one
    if largest <= 1:
        raise OutOfMemory(
            "one picture of a step does not fit into memory",
            why,
            "a smaller network (model.down_chs), smaller pictures (data.image_size), or more "
            "memory: training.device=cpu, or close what else runs",
        )
    return -(-rows // -(-largest // 2))


def with_room(
    attempt: Callable[[int], Tensor],
    parts: int,
    rows: int,
    retried: Callable[[int], None],
    *,
    alone: bool = True,
) -> Tensor:
    """`attempt(parts)`, again with smaller micro-batches as long as memory does not suffice.

    Args:
        attempt: computes the step from its beginning, in so many micro-batches.
        parts: to begin with.
        rows: pictures of the step.
        retried: is told of the new number before it is tried.
        alone: whether no other process is in the middle of this step; else nothing is retried.

    Raises:
        OutOfMemory: not even one picture fits, or it is one of several processes.
    """
    while True:
        try:
            return attempt(parts)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if not alone:
                raise OutOfMemory(
                    "this process's share of a step does not fit into memory",
                    _first_line(error),
                    f"--set training.accumulation={2 * parts}",
                    param="training.accumulation",
                ) from error
            parts = halved(parts, rows, _first_line(error))
        # here, with the error gone, its frames no longer hold what did not fit
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        retried(parts)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
