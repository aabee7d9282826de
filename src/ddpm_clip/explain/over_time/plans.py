"""Walks in which each picture has its own condition at every step.

A plan lists which of a few conditions acts at each step of a walk, or none. Walks of one seed are
the same until their plans differ, and the network is called once for all of them: all 2^k ways to
switch the words on and off in k bins take only about 2^k / k of the calls. The sampler still walks
each picture by itself, so the pictures are those of ordinary walks.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.batches import BATCH
from ddpm_clip.types import Predict, Prediction, Progress

NONE = -1
"""Entry of a plan for no condition: the unconditional branch of the network."""

QUICK_SEEDS = 16
"""Fewest seeds of quick analyses that split them in halves: intervals of 4 are too wide."""

AT_ONCE = 2**21
"""Pixel values of pictures that are walked at once, at most."""

Read = Callable[[Tensor], Tensor]
"""Finished pictures (b, c, h, w) -> (b, ...) what is measured on them."""


def planned(
    target: AnalysisTarget,
    plan: Tensor,
    conditions: Sequence[Tensor],
    seeds: Sequence[int],
    read: Read,
    *,
    steps: int,
    stage: str = "walk",
) -> Generator[Progress, None, Tensor]:
    """Walk every plan with every seed; yield `Progress` at every sampling step.

    Args:
        target: the target, whose settings the walks use, guidance included.
        plan: (m, steps) indices into `conditions`, or `NONE`.
        conditions: (n, e) each, one row per seed.
        seeds: n random seeds.
        read: measures finished pictures in [-1, 1].
        steps: number of steps of the walks.
        stage: name of the stage in the progress.

    Returns:
        (m, n, ...) the results of `read`; plans in the target's cache are not walked again.

    Raises:
        UsageError: the plan has another number of steps, or an index that is out of range.
    """
    if plan.ndim != 2 or plan.shape[1] != steps or not _known(plan, len(conditions)):
        raise UsageError(
            f"a plan of shape {tuple(plan.shape)} does not fit {steps} steps and "
            f"{len(conditions)} conditions"
        )
    memory = target.memory
    if memory is None:
        return (yield from _walked(target, plan, conditions, seeds, read, steps, stage))
    values = torch.stack(list(conditions)).detach().cpu().numpy()  # (k, n, e)
    # one key for a plan with all its seeds, as its walks share their first steps with other plans
    keys = [
        (
            read,
            steps,
            tuple(seeds),
            tuple(number if number == NONE else values[number].tobytes() for number in row),
        )
        for row in plan.tolist()
    ]

    def walk(rows: list[int]) -> Generator[Progress, None, Tensor]:
        return _walked(target, plan[rows], conditions, seeds, read, steps, stage)

    return (yield from memory.rows(keys, walk))


def _walked(
    target: AnalysisTarget,
    plan: Tensor,
    conditions: Sequence[Tensor],
    seeds: Sequence[int],
    read: Read,
    steps: int,
    stage: str,
) -> Generator[Progress, None, Tensor]:
    m, pixels = len(plan), torch.Size(target.image_shape).numel()
    group = max(1, AT_ONCE // (m * pixels))
    starts, kept, done = range(0, len(seeds), group), [], 0
    for start in starts:
        some = list(seeds[start : start + group])
        parts = torch.stack([c[start : start + group] for c in conditions])  # (k, g, e)
        # all seeds of the first plan, then all seeds of the next
        which = plan.repeat_interleave(len(some), 0)
        shared = _Shared(target, which, parts.repeat(1, m, 1), some * m, target.timesteps(steps))
        x = None
        for step in target.walk(shared.c[0], shared.seeds, steps=steps, wrap=shared.instead):
            x, done = step.x_prev, done + 1
            yield Progress(stage, done, steps * len(starts))
        assert x is not None
        found = torch.cat([read(part.clamp(-1, 1)).cpu() for part in x.split(BATCH)])
        kept.append(found.unflatten(0, (m, len(some))))
    return torch.cat(kept, 1)


class _Shared:
    """`predict` for a batch of planned walks: walks with the same past are predicted once.

    Args:
        target: the target that predicts.
        which: (b, steps) the plan of each picture.
        c: (k, b, e) the conditions.
        seeds: (b,) random seeds.
        timesteps: timesteps of the walk.
    """

    def __init__(
        self,
        target: AnalysisTarget,
        which: Tensor,
        c: Tensor,
        seeds: list[int],
        timesteps: list[float],
    ):
        self.target, self.which, self.c, self.seeds = target, which, c, seeds
        self.timesteps = timesteps
        numbers = {seed: i for i, seed in enumerate(dict.fromkeys(seeds))}
        self._past = torch.tensor([numbers[seed] for seed in seeds])  # same number, same x_t
        self._step = -1

    def instead(self, predict: Predict) -> Predict:
        """Replace the walk's own predict by this one; a `wrap` of `AnalysisTarget.walk`."""
        return self

    def __call__(self, x_t: Tensor, t: float) -> Prediction:
        # solvers may evaluate a later timestep first, never an earlier one again
        step = sum(one >= t for one in self.timesteps) - 1
        while self._step < step:
            self._step += 1
            key = self._past * (len(self.c) + 1) + self.which[:, self._step] + 1
            self._past = key.unique(return_inverse=True)[1]
        different = int(self._past.max()) + 1
        first = torch.full((different,), len(key_order := torch.arange(len(self._past))))
        first = first.scatter_reduce(0, self._past, key_order, "amin")
        eps, x_0 = self._predict_each(x_t, t, first)
        return Prediction(eps[self._past], x_0[self._past])

    def _predict_each(self, x_t: Tensor, t: float, first: Tensor) -> tuple[Tensor, Tensor]:
        """Return eps and x_0 of the pictures `first`, condition by condition."""
        eps = torch.empty_like(x_t[first])
        x_0, acting = torch.empty_like(eps), self.which[first, self._step]
        for number in acting.unique().tolist():
            places = (acting == number).nonzero()[:, 0]
            for some in places.split(BATCH):
                pred = self._predict(number, first[some])(x_t[first[some]], t)
                eps[some], x_0[some] = pred.eps.to(eps), pred.x_0.to(eps)
        return eps, x_0

    def _predict(self, number: int, rows: Tensor) -> Predict:
        seeds = [self.seeds[i] for i in rows.tolist()]
        how: dict[str, Any] = {"scale": 0.0} if number == NONE else {}
        return self.target.predict(self.c[max(number, 0), rows], seeds=seeds, **how)


def seeds_of(target: AnalysisTarget, quick: bool) -> list[int]:
    """Return the seeds of the target; with `quick`, extended to at least `QUICK_SEEDS`."""
    return target.more_seeds(max(QUICK_SEEDS if quick else 0, len(target.seeds)))


def bins_of(steps: int, bins: int) -> Tensor:
    """Return (steps,) the bin of each step: equal parts of the walk, which is even in log-SNR.

    >>> bins_of(6, 3).tolist()
    [0, 0, 1, 1, 2, 2]
    """
    if not 1 <= bins <= steps:
        raise UsageError(
            f"cannot split {steps} steps into {bins} bins",
            f"bins go from 1 to {steps}",
            param="bins",
        )
    return torch.arange(steps) * bins // steps


def _known(plan: Tensor, conditions: int) -> bool:
    return plan.numel() > 0 and int(plan.min()) >= NONE and int(plan.max()) < conditions
