"""Which pictures are in each batch, mirrored or cropped: pure functions of seed and step.

There is no state here, so a resumed run, any number of workers and any micro-batch size see the
same pictures in the same order.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

ORDER, FLIP, CROP = 1, 2, 3
"""First words of the generators' seeds; they keep the random streams apart."""


@lru_cache(maxsize=4)
def epoch_order(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the order (n,) of the pictures in one epoch; read-only."""
    order = np.random.default_rng([ORDER, seed, epoch]).permutation(n)
    order.flags.writeable = False
    return order


def batch_indices(n: int, batch_size: int, seed: int, step: int) -> NDArray[np.int64]:
    """Return the picture numbers (batch_size,) of one step.

    The last batch of an epoch is filled up from the next one. If there are fewer pictures than
    `batch_size`, pictures repeat within a batch.
    """
    if n < 1 or batch_size < 1:
        raise ValueError(f"cannot make a batch of {batch_size} from {n} pictures")
    first = step * batch_size
    epochs = range(first // n, (first + batch_size - 1) // n + 1)
    orders = np.concatenate([epoch_order(n, seed, epoch) for epoch in epochs])
    start = first - epochs[0] * n
    return orders[start : start + batch_size]


def flip_mask(seed: int, step: int, batch_size: int) -> NDArray[np.bool_]:
    """Return which pictures (batch_size,) of one step's global batch are mirrored: about half."""
    return np.random.default_rng([FLIP, seed, step]).random(batch_size) < 0.5


def crop_numbers(seed: int, step: int, batch_size: int, crops: int) -> NDArray[np.int64]:
    """Return the crop (batch_size,) of each picture of one step, from 0, the picture itself."""
    return np.random.default_rng([CROP, seed, step]).integers(crops + 1, size=batch_size)


def batches(n: int, batch_size: int, seed: int, start_step: int = 0) -> Iterator[NDArray[np.int64]]:
    """Yield `batch_indices` of `start_step` and of every later step, without end."""
    step = start_step
    while True:
        yield batch_indices(n, batch_size, seed, step)
        step += 1
