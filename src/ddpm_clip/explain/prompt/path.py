"""Integrated gradients of a picture along the way of its condition, and their deletion test.

The value is what a linear reading of the class that was asked for says of the finished picture,
through every step of a short deterministic walk. Knows nothing of
verdicts or panels.
"""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.explain.inversions.ddim_inversion import no_noise
from ddpm_clip.explain.maths.integrated_gradients import ENOUGH, Integrated, Value, integrate
from ddpm_clip.explain.maths.ranks import rank_correlation
from ddpm_clip.explain.prompt.class_readout import Readout
from ddpm_clip.explain.prompt.condition_parts import ConditionParts, average_condition, parts_of
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.nulls import random_weights
from ddpm_clip.explain.verdict.odds import log_odds
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite
from ddpm_clip.models.ddpm import noise_of
from ddpm_clip.statistics.means import Means, means
from ddpm_clip.types import Progress

SAMPLER = "ddim"


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """The straight line from the average picture's condition to the prompt's.

    Attributes:
        seeds: n, whose lines are integrated.
        held: other seeds, on which the order of the coordinates is tested.
        steps: of each walk.
        cuts: of every line, see `integrate`.
        start: (n, e).
        end: (n, e).
        enough: error of the sum at which cutting ends, as a share.
        growth: from each number of coordinates that are set back to the next.
    """

    seeds: list[int]
    held: list[int]
    steps: int
    cuts: int
    start: Tensor
    end: Tensor
    enough: float = ENOUGH
    growth: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class Deletion:
    """Coordinates set back to the average picture's, more and more of them.

    Attributes:
        sizes: (m,) how many.
        strongest: (m, n) log-odds of the requested class, the largest attributions first.
        random: (m, n) in random orders, on average.
        weakest: (m, n) the largest attributions last.
        hurt: area below a random order.
        hurt_reverse: area below the reverse order.
    """

    sizes: list[int]
    strongest: Tensor
    random: Tensor
    weakest: Tensor
    hurt: Means
    hurt_reverse: Means


@dataclass(frozen=True, slots=True, eq=False)
class PathAttribution:
    """All that the analysis found.

    Attributes:
        integrated: seed by seed.
        parts: of the displacement.
        deletion: on the seeds that had no say in the order.
        prerequisite: is the prompt followed at all, by the held seeds?
        readout: of the class that was asked for.
        random_correlation: of the attributions with those of random weights; None without any.
        x: (places, c, h, w) pictures of the first seed along the line.
    """

    integrated: Integrated
    parts: ConditionParts
    deletion: Deletion
    prerequisite: Prerequisite
    readout: Readout
    random_correlation: float | None
    x: Tensor

    @property
    def change(self) -> Means:
        """What is shared out: how much more is read at the end of the line than at its start."""
        return means(self.integrated.change)


def analysed(
    target: AnalysisTarget, stretch: Stretch, readout: Readout, orders: int, randomised: bool
) -> Generator[Progress, None, PathAttribution]:
    """Integrate, take apart, and test by deletion."""
    value = reading(target, stretch, readout)
    integrated = yield from integrate(
        value, stretch.start, stretch.end, cuts=stretch.cuts, enough=stretch.enough
    )
    correlation = None
    if randomised and isinstance(target.network, nn.Module):
        other = reading(random_weights(target, 0), stretch, readout)
        null = yield from integrate(
            other, stretch.start, stretch.end, cuts=0, label="random weights"
        )
        correlation = rank_correlation(integrated.attributions.mean(0), null.attributions.mean(0))
    deletion = yield from _deletion(target, stretch, integrated, orders)
    c = target.conditions(seeds=stretch.held)
    x = yield from _pictures(target, stretch, c, stretch.held)
    prerequisite = yield from check_prerequisite(target, target.judge(x).cpu())
    places = torch.linspace(0, 1, 8, device=stretch.end.device)[:, None]
    along = stretch.start[:1] + places * (stretch.end[:1] - stretch.start[:1])
    shown = yield from _pictures(target, stretch, along, stretch.seeds[:1] * len(along))
    return PathAttribution(
        integrated,
        parts_of(target, stretch.end, stretch.start, stretch.seeds),
        deletion,
        prerequisite,
        readout,
        correlation,
        shown.cpu(),
    )


def reading(target: AnalysisTarget, stretch: Stretch, readout: Readout) -> Value:
    """Conditions, seed by seed -> what the readout says of the pictures; differentiable."""
    device = target.ddpm.device
    shape = (len(stretch.seeds), *target.image_shape)
    noise = noise_of(stretch.seeds, shape, device)(-1)
    rows = target.timesteps(stretch.steps)

    def value(c: Tensor) -> Tensor:
        times = len(c) // len(noise)
        predict = target.predict(c, seeds=stretch.seeds * times, gradients=True)
        x = x_T = noise.repeat(times, 1, 1, 1)
        for step in SAMPLERS[SAMPLER](predict, target.schedule, rows, x_T, no_noise):
            x = step.x_prev
        return readout.score(x)

    return value


def _pictures(
    target: AnalysisTarget, stretch: Stretch, c: Tensor, seeds: list[int]
) -> Generator[Progress, None, Tensor]:
    return (
        yield from target.pictures(
            c, seeds, steps=stretch.steps, sampler=SAMPLER, stage="coordinates set back"
        )
    )


def _deletion(
    target: AnalysisTarget, stretch: Stretch, integrated: Integrated, orders: int
) -> Generator[Progress, None, Deletion]:
    """Set back more and more coordinates, on seeds that had no say in their order."""
    strongest = integrated.attributions.mean(0).argsort(descending=True)
    e, held = len(strongest), stretch.held
    generator = torch.Generator().manual_seed(0)
    lots = [torch.randperm(e, generator=generator) for _ in range(orders)]
    every = [strongest, strongest.flip(0), *lots]
    sizes = sorted({min(e - 1, stretch.growth**i) for i in range(e.bit_length())})
    end = target.conditions(seeds=held)
    start, conditions = average_condition(target, end), []
    for order in every:
        for size in sizes:
            c = end.clone()
            c[:, order[:size]] = start[:, order[:size]]
            conditions.append(c)
    x = yield from _pictures(target, stretch, torch.cat(conditions), held * len(conditions))
    assert target.asked_class is not None
    probs = target.judge(x).cpu()
    odds = log_odds(probs, target.asked_class).view(len(every), len(sizes), len(held))
    first, last, random = odds[0], odds[1], odds[2:].mean(0)
    return Deletion(
        sizes, first, random, last, means((random - first).mean(0)), means((last - first).mean(0))
    )
