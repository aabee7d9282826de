"""Many walks, a batch after another, to the pictures at their ends.

Knows nothing of targets: it is told how a batch walks.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.config.limits import MAX_SEED
from ddpm_clip.types import Progress, Step

BATCH = 64
"""Pictures walked at once by `pictures`."""

QUICK_STEPS = 12
"""Of the walks that quick analyses look at, all of them at the same."""


def in_batches(
    walk: Callable[..., Iterator[Step]],
    c: Tensor,
    seeds: Sequence[int],
    how: Mapping[str, Any],
    *,
    count: int,
    batch: int,
    stage: str,
) -> Generator[Progress, None, Tensor]:
    """(n, c, h, w) in [-1, 1]; yields `Progress` in network steps.

    Args:
        walk: `(c, seeds, **how)` -> the steps of one batch.
        c: (n, e) conditions, n >= 1.
        seeds: one a picture.
        how: further options of `walk`; tensors of n rows are cut along with the batch.
        count: steps of a walk.
        batch: pictures at once.
        stage: of the progress.
    """
    done, total, ends = 0, count * -(-len(c) // batch), []
    for i in range(0, len(c), batch):
        part, x = slice(i, i + batch), None
        for step in walk(c[part], list(seeds[part]), **cut(how, part)):
            x, done = step.x_prev, done + 1
            yield Progress(stage, min(done, total), total)
        assert x is not None
        ends.append(x)
    return torch.cat(ends).clamp(-1, 1)


def cut(how: Mapping[str, Any], rows: slice | list[int]) -> dict[str, Any]:
    """Options of a walk for some of its pictures: of tensors their rows, all else as it is."""
    return {
        name: one[rows] if isinstance(one, Tensor) and one.ndim else one
        for name, one in how.items()
    }


def seeds_after(own: Sequence[int], n: int) -> list[int]:
    """n seeds: the own ones, and as many of those after them as are missing."""
    every, last = list(own), max(own)
    while len(every) < n:
        last = (last + 1) % (MAX_SEED + 1)
        every += [last] if last not in own else []
    return every[:n]
