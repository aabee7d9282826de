"""Gradient accumulation: a step in micro-batches, in smaller ones if it does not fit into memory.

Timesteps and noise are drawn for the whole step and GroupNorm sees one picture at a time, so the
number of micro-batches changes nothing but rounding.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ddpm_clip.errors import OutOfMemory

MARKS = ("out of memory", "can't allocate memory", "not enough memory")
"""Messages of allocators that have no error class for a lack of memory."""


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error is a lack of memory, on any device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(mark in str(error).lower() for mark in MARKS)


def halved(parts: int, rows: int, why: str) -> int:
    """Return the number of micro-batches that halves their size; the step has `rows` pictures.

    Raises:
        OutOfMemory: the micro-batches already have one picture each.
    """
    largest = -(-rows // parts)  # size of the largest micro-batch
    if largest <= 1:
        raise OutOfMemory(
            "a step with a single picture does not fit into memory",
            why,
            "choose a smaller network (model.down_chs) or smaller pictures (data.image_size), or "
            "get more memory: training.device=cpu, or close other programs",
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
    """Return `attempt(parts)`, retried with smaller micro-batches while memory runs out.

    Args:
        attempt: computes the step from its beginning, in the given number of micro-batches.
        parts: number of micro-batches to start with.
        rows: number of pictures of the step.
        retried: called with the new number of micro-batches before each retry.
        alone: False if other processes take part in this step, which then is not retried.

    Raises:
        OutOfMemory: not even a single picture fits, or there are several processes.
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
        # outside the except block, so that the error no longer keeps the tensors alive
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        retried(parts)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
