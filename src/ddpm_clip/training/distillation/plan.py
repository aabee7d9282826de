"""How many walks and steps fit into the minutes that are given, by a short trial on this machine.

The plan becomes part of the run's config, so that a stopped distillation goes on as planned.
"""

import time
from collections.abc import Callable

from ddpm_clip.config.schema import Config
from ddpm_clip.training.distillation.walks import SHARD

RECORDING, TRAINING = 0.35, 0.58
"""Shares of the time; the rest is for opening, saving and what a trial underestimates."""

FEWEST_WALKS, MOST_WALKS = 4 * SHARD, 20_000
FEWEST_STEPS = 20

LARGEST = 2 * 2**30
"""Most bytes of recorded states."""

TRIED = 2
"""Repetitions of which the fastest counts, after one that warms up."""


def planned(
    config: Config,
    minutes: float,
    walk: Callable[[], object],
    step: Callable[[], object],
    state_bytes: int,
) -> Config:
    """Return the config with as many walks and steps as fit.

    Args:
        config: the student's config.
        minutes: duration of the whole distillation.
        walk: takes `SHARD` walks.
        step: makes one training step.
        state_bytes: bytes of the states of one walk.
    """
    seconds = 60 * minutes
    shards = RECORDING * seconds / _fastest(walk)
    room = max(FEWEST_WALKS, LARGEST // state_bytes // SHARD * SHARD)
    walks = min(max(FEWEST_WALKS, round(shards) * SHARD), MOST_WALKS, room)
    steps = max(FEWEST_STEPS, round(TRAINING * seconds / _fastest(step)))
    training = config.training.model_copy(update={"steps": steps})
    distillation = config.distillation.model_copy(update={"walks": walks})
    return config.model_copy(update={"training": training, "distillation": distillation})


def _fastest(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes; one more call before it warms up."""
    work()
    times = []
    for _ in range(TRIED):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return max(min(times), 1e-6)
