"""Which picture comes when, and which is mirrored: pure functions of the seed and the step.

Nothing here has a state, so a resumed run, any number of workers and any micro-batch see the
same pictures in the same order. Knows nothing of pixels.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

ORDER, FLIP = 1, 2
"""Keeps the streams of random numbers apart."""


@lru_cache(maxsize=4)
def epoch_order(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The permutation (n,) in which one epoch shows the pictures; read-only."""
    order = np.random.default_rng([ORDER, seed, epoch]).permutation(n)
    order.flags.writeable = False
    return order


def batch_indices(n: int, batch_size: int, seed: int, step: int) -> NDArray[np.int64]:
    """The pictures (batch_size,) of one step.

    Epochs follow each other without a seam: a batch at the end of one is filled from the next,
    and where there are fewer pictures than a batch needs they come again.
    """
    if n < 1 or batch_size < 1:
        raise ValueError(f"no batch of {batch_size} from {n} pictures")
    first = step * batch_size
    epochs = range(first // n, (first + batch_size - 1) // n + 1)
    orders = np.concatenate([epoch_order(n, seed, epoch) for epoch in epochs])
    start = first - epochs[0] * n
    return orders[start : start + batch_size]


def flip_mask(seed: int, step: int, batch_size: int) -> NDArray[np.bool_]:
    """Which pictures (batch_size,) of the global batch of one step are mirrored: half of them."""
    return np.random.default_rng([FLIP, seed, step]).random(batch_size) < 0.5


def batches(n: int, batch_size: int, seed: int, start_step: int = 0) -> Iterator[NDArray[np.int64]]:
    """`batch_indices` of `start_step` and of every step after it, without end."""
    step = start_step
    while True:
        yield batch_indices(n, batch_size, seed, step)
        step += 1
