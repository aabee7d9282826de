"""Walks in which every picture has its own condition at every step.

A plan says which of a few conditions acts on a walk at each step, or none. Until their plans part,
walks of one seed are one walk, and the network is asked once for all of them: 2^k ways to switch
the words on and off in k bins cost 2^k / k of the calls. The sampler walks each by itself, so
pictures are those of ordinary walks. Knows nothing of what a plan is for.
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
"""In a plan: no condition, the network's own null."""

QUICK_SEEDS = 16
"""Of which halves learn and test; with 8 the intervals around a mean of 4 are too wide to tell."""

AT_ONCE = 2**21
"""Numbers of pictures that are walked together."""

Read = Callable[[Tensor], Tensor]
"""Finished pictures (b, c, h, w) -> (b, ...) what is kept of them."""


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
    """Walk every plan with every seed; yields `Progress` in network steps.

    Args:
        target: whose settings the walks have, guidance included.
        plan: (m, steps) numbers into `conditions`, or `NONE`.
        conditions: (n, e) each, a row a seed.
        seeds: n of them.
        read: what is kept of finished pictures in [-1, 1].
        steps: of the walks.
        stage: of the progress.

    Returns:
        (m, n, ...) what `read` said; plans that the target remembers are not walked again.

    Raises:
        UsageError: a plan of another number of steps or of conditions that are not there.
    """
    if plan.ndim != 2 or plan.shape[1] != steps or not _known(plan, len(conditions)):
        raise UsageError(
            f"a plan of shape {tuple(plan.shape)} for {steps} steps and "
            f"{len(conditions)} conditions"
        )
    memory = target.memory
    if memory is None:
        return (yield from _walked(target, plan, conditions, seeds, read, steps, stage))
    said = torch.stack(list(conditions)).detach().cpu().numpy()  # (k, n, e)
    # a plan is one thing with all its seeds: its walks share their pasts with other plans'
    keys = [
        (
            read,
            steps,
            tuple(seeds),
            tuple(number if number == NONE else said[number].tobytes() for number in row),
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
        # plan by plan, within each seed by seed
        which = plan.repeat_interleave(len(some), 0)
        asked = _Shared(target, which, parts.repeat(1, m, 1), some * m, target.timesteps(steps))
        x = None
        for step in target.walk(asked.c[0], asked.seeds, steps=steps, wrap=asked.instead):
            x, done = step.x_prev, done + 1
            yield Progress(stage, done, steps * len(starts))
        assert x is not None
        said = torch.cat([read(part.clamp(-1, 1)).cpu() for part in x.split(BATCH)])
        kept.append(said.unflatten(0, (m, len(some))))
    return torch.cat(kept, 1)


class _Shared:
    """`predict` for a batch of planned walks: each different past is asked about once.

    Args:
        target: that is asked.
        which: (b, steps) the plan of each picture.
        c: (k, b, e) the conditions.
        seeds: (b,).
        rows: of the walk.
    """

    def __init__(
        self, target: AnalysisTarget, which: Tensor, c: Tensor, seeds: list[int], rows: list[float]
    ):
        self.target, self.which, self.c, self.seeds, self.rows = target, which, c, seeds, rows
        numbers = {seed: i for i, seed in enumerate(dict.fromkeys(seeds))}
        self._past = torch.tensor([numbers[seed] for seed in seeds])  # same number, same picture
        self._step = -1

    def instead(self, predict: Predict) -> Predict:
        """The wrap that asks this instead of the walk's own predict."""
        return self

    def __call__(self, x_t: Tensor, t: float) -> Prediction:
        step = sum(row >= t for row in self.rows) - 1  # solvers may look ahead, never back
        while self._step < step:
            self._step += 1
            key = self._past * (len(self.c) + 1) + self.which[:, self._step] + 1
            self._past = key.unique(return_inverse=True)[1]
        different = int(self._past.max()) + 1
        first = torch.full((different,), len(key_order := torch.arange(len(self._past))))
        first = first.scatter_reduce(0, self._past, key_order, "amin")
        eps, x_0 = self._ask(x_t, t, first)
        return Prediction(eps[self._past], x_0[self._past])

    def _ask(self, x_t: Tensor, t: float, first: Tensor) -> tuple[Tensor, Tensor]:
        """eps and x_0 of the pictures `first`, asked condition by condition."""
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
    """Those of the target; where few steps leave time for more seeds, `QUICK_SEEDS` at least."""
    return target.more_seeds(max(QUICK_SEEDS if quick else 0, len(target.seeds)))


def bins_of(steps: int, bins: int) -> Tensor:
    """(steps,) the bin of each step: equal parts of the walk, which is even in log-SNR.

    >>> bins_of(6, 3).tolist()
    [0, 0, 1, 1, 2, 2]
    """
    if not 1 <= bins <= steps:
        raise UsageError(f"{bins} bins of {steps} steps")
    return torch.arange(steps) * bins // steps


def _known(plan: Tensor, conditions: int) -> bool:
    return plan.numel() > 0 and int(plan.min()) >= NONE and int(plan.max()) < conditions
