"""Walk many pictures batch by batch, to the finished pictures."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.config.limits import MAX_SEED
from ddpm_clip.types import Progress, Step

BATCH = 64
"""Pictures per batch of `AnalysisTarget.pictures`."""

QUICK_STEPS = 12
"""Steps of the walks in quick analyses; the same for all, so that they can share them."""


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
    """Return finished pictures (n, c, h, w) in [-1, 1]; yield `Progress` at every sampling step.

    Args:
        walk: `(c, seeds, **how)` -> the steps of one batch.
        c: (n, e) conditions, n >= 1.
        seeds: random seeds, one per picture.
        how: further options of `walk`; tensors of n rows are split like the batch.
        count: number of steps of a walk.
        batch: pictures per batch.
        stage: name of the stage in the progress.
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
    """Return the options of a walk for some of its pictures: tensors are indexed, the rest kept."""
    return {
        name: one[rows] if isinstance(one, Tensor) and one.ndim else one
        for name, one in how.items()
    }


def seeds_after(own: Sequence[int], n: int) -> list[int]:
    """Return n seeds: the own ones, then as many new ones above them as needed."""
    every, last = list(own), max(own)
    while len(every) < n:
        last = (last + 1) % (MAX_SEED + 1)
        every += [last] if last not in own else []
    return every[:n]
