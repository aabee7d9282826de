"""Integrated gradients along the line of conditions, and their deletion test.

The value is the score of the finished picture, by a linear readout of the requested class, and its
gradient is taken through every step of a short deterministic walk.
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
"""A deterministic sampler whose steps are differentiable."""


@dataclass(frozen=True, slots=True, eq=False)
class PathSetup:
    """The lines from the average picture's condition to the prompt's, and how to integrate.

    Attributes:
        seeds: n seeds whose lines are integrated.
        held: other seeds, on which the order of the coordinates is tested.
        steps: number of sampling steps.
        cuts: most subdivisions of every line, see `integrate`.
        start: (n, e) conditions of the average picture.
        end: (n, e) conditions of the prompt.
        enough: relative error of the sum at which subdividing ends.
        growth: factor between the numbers of coordinates that are set back.
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
    """Results of setting more and more coordinates back to those of the average picture.

    Attributes:
        sizes: (m,) numbers of coordinates that are set back.
        strongest: (m, n) log-odds of the requested class, largest attributions first.
        random: (m, n) the same in random orders, on average.
        weakest: (m, n) the same with the smallest attributions first.
        hurt: log-odds lost beyond random orders, mean over the sizes.
        hurt_reverse: log-odds lost beyond the reverse order, mean over the sizes.
    """

    sizes: list[int]
    strongest: Tensor
    random: Tensor
    weakest: Tensor
    hurt: Means
    hurt_reverse: Means


@dataclass(frozen=True, slots=True, eq=False)
class PathAttribution:
    """Results of the analysis.

    Attributes:
        integrated: integrated gradients, seed by seed.
        parts: parts of the displacement.
        deletion: deletion test, on seeds that were not used to rank the coordinates.
        prerequisite: whether the prompt is followed at all, on the same seeds.
        readout: linear readout of the requested class.
        random_correlation: rank correlation of the attributions with those of random weights; None
            if not computed.
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
        """What is attributed: the score at the end of the line minus that at its start."""
        return means(self.integrated.change)


def attribute_path(
    target: AnalysisTarget, setup: PathSetup, readout: Readout, orders: int, randomised: bool
) -> Generator[Progress, None, PathAttribution]:
    """Integrate the gradients, split them into parts, and test them by deletion.

    Args:
        target: a target with a judge and a requested class.
        setup: the lines, and how to integrate.
        readout: linear readout of the requested class.
        orders: number of random orders of the deletion test.
        randomised: also integrate a network with random weights, for comparison.
    """
    value = score_of_conditions(target, setup, readout)
    integrated = yield from integrate(
        value, setup.start, setup.end, cuts=setup.cuts, enough=setup.enough
    )
    correlation = None
    if randomised and isinstance(target.network, nn.Module):
        other = score_of_conditions(random_weights(target, 0), setup, readout)
        null = yield from integrate(other, setup.start, setup.end, cuts=0, label="random weights")
        correlation = rank_correlation(integrated.attributions.mean(0), null.attributions.mean(0))
    deletion = yield from _deletion(target, setup, integrated, orders)
    c = target.conditions(seeds=setup.held)
    x = yield from _pictures(target, setup, c, setup.held)
    prerequisite = yield from check_prerequisite(target, target.judge(x).cpu())
    places = torch.linspace(0, 1, 8, device=setup.end.device)[:, None]
    along = setup.start[:1] + places * (setup.end[:1] - setup.start[:1])
    shown = yield from _pictures(target, setup, along, setup.seeds[:1] * len(along))
    return PathAttribution(
        integrated,
        parts_of(target, setup.end, setup.start, setup.seeds),
        deletion,
        prerequisite,
        readout,
        correlation,
        shown.cpu(),
    )


def score_of_conditions(target: AnalysisTarget, setup: PathSetup, readout: Readout) -> Value:
    """Return the differentiable function from conditions to the readout's score of the pictures."""
    device = target.ddpm.device
    shape = (len(setup.seeds), *target.image_shape)
    noise = noise_of(setup.seeds, shape, device)(-1)
    timesteps = target.timesteps(setup.steps)

    def value(c: Tensor) -> Tensor:
        times = len(c) // len(noise)
        predict = target.predict(c, seeds=setup.seeds * times, gradients=True)
        x = x_T = noise.repeat(times, 1, 1, 1)
        for step in SAMPLERS[SAMPLER](predict, target.schedule, timesteps, x_T, no_noise):
            x = step.x_prev
        return readout.score(x)

    return value


def _pictures(
    target: AnalysisTarget, setup: PathSetup, c: Tensor, seeds: list[int]
) -> Generator[Progress, None, Tensor]:
    return (
        yield from target.pictures(
            c, seeds, steps=setup.steps, sampler=SAMPLER, stage="coordinates set back"
        )
    )


def _deletion(
    target: AnalysisTarget, setup: PathSetup, integrated: Integrated, orders: int
) -> Generator[Progress, None, Deletion]:
    """Set back more and more coordinates, on seeds that were not used to rank them."""
    strongest = integrated.attributions.mean(0).argsort(descending=True)
    e, held = len(strongest), setup.held
    generator = torch.Generator().manual_seed(0)
    random_orders = [torch.randperm(e, generator=generator) for _ in range(orders)]
    every = [strongest, strongest.flip(0), *random_orders]
    sizes = sorted({min(e - 1, setup.growth**i) for i in range(e.bit_length())})
    end = target.conditions(seeds=held)
    start, conditions = average_condition(target, end), []
    for order in every:
        for size in sizes:
            c = end.clone()
            c[:, order[:size]] = start[:, order[:size]]
            conditions.append(c)
    x = yield from _pictures(target, setup, torch.cat(conditions), held * len(conditions))
    assert target.asked_class is not None
    probs = target.judge(x).cpu()
    odds = log_odds(probs, target.asked_class).view(len(every), len(sizes), len(held))
    first, last, random = odds[0], odds[1], odds[2:].mean(0)
    return Deletion(
        sizes, first, random, last, means((random - first).mean(0)), means((last - first).mean(0))
    )
