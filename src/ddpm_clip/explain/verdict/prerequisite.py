"""Is there anything to explain? The prerequisite of every conclusion that depends on the words.

The prompt and control prompts for other classes have to give pictures in which the judge sees the
requested class. An untrained judge, a network that ignores its condition and shuffled prompts get
about one of ten classes right. The network also has to use its timestep: its error has to be
smallest for the right one.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.class_prompts import prompts_of
from ddpm_clip.explain.verdict.odds import Followed
from ddpm_clip.models.ddpm import noise_of, without_gradients
from ddpm_clip.statistics.chance import at_least
from ddpm_clip.types import Progress

MOST = 10
"""Most control pictures: one per class, or several per class if there are few classes."""

BY_CHANCE = 0.01
"""Largest probability that chance gives as many right answers."""

LEVELS = (0.1, 0.25, 0.6, 1.5, 4.0, 10.0)
"""Values of sigma/alpha that the network has to distinguish."""


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """Whether an analysis of a prompt can conclude anything.

    Attributes:
        followed: how many of the prompt's own pictures show the requested class.
        named: number of control prompts whose picture the judge recognises.
        n: number of control prompts.
        by_chance: the probability that chance recognises as many.
        levels: number of noise levels in `LEVELS` at which the right timestep gives the least
            error; 0 for a few-call network, which is not asked.
        unmet: why it is not met, in words; "" if it is met.
    """

    followed: Followed | None
    named: int
    n: int
    by_chance: float
    levels: int
    unmet: str

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        followed = None if self.followed is None else self.followed.as_dict()
        return {
            "followed": followed,
            "controls_named": self.named,
            "controls": self.n,
            "controls_by_chance": self.by_chance,
            "levels_known": self.levels,
            "levels": len(LEVELS),
            "closed": self.unmet or None,
        }


def control_prompts(target: AnalysisTarget) -> dict[int, str]:
    """Return for each class the prompt with that class in place of its own, or the bare name."""
    prompts, classes = prompts_of(target, len(target.classes))
    return dict(sorted(zip(classes, prompts, strict=True)))


def other_prompts(target: AnalysisTarget, most: int) -> list[str]:
    """Return up to `most` prompts that ask for something else, spread evenly over all of them."""
    others = [text for k, text in control_prompts(target).items() if k != target.asked_class]
    others = others or [text for text in target.vocabulary if text != target.prompt]
    some = min(most, len(others))
    return [others[i * len(others) // some] for i in range(some)]


def check_prerequisite(
    target: AnalysisTarget, probs: Tensor | None
) -> Generator[Progress, None, Prerequisite]:
    """Check that the prompt and the controls are followed and that noise levels are distinguished.

    Args:
        target: the target; without a judge the prerequisite is not met.
        probs: (n, k) class probabilities of the prompt's pictures, by the judge.
    """
    if probs is None or target.judging is None or target.asked_class is None:
        return Prerequisite(None, 0, 0, 1.0, 0, why_untested(target))
    found = yield from controls(target)
    named, n, known = found.named, found.n, found.levels
    by_chance = at_least(named, n, 1 / len(target.classes))
    followed, unmet = Followed.of(probs, target.asked_class), ""
    if not followed.enough:
        unmet = (
            f"the judge sees {target.asked_name} in {followed.seen} of {followed.n} pictures, "
            "too few to be sure that most pictures show it"
        )
    elif by_chance > BY_CHANCE:
        unmet = (
            f"the judge recognises the pictures of {named} of {n} control prompts, and chance "
            "could do as well"
        )
    elif not target.ddpm.calls and at_least(known, len(LEVELS), 1 / len(LEVELS)) > BY_CHANCE:
        unmet = (
            f"the network's error is smallest for the right timestep at {known} of {len(LEVELS)} "
            "noise levels, and chance could do as well"
        )
    return Prerequisite(followed, named, n, by_chance, known, unmet)


def why_untested(target: AnalysisTarget) -> str:
    """Return why a target without a judge or without a requested class cannot be tested."""
    if target.judging is None:
        return "there is no judge for its pictures"
    return "the prompt names no class that the judge knows"


@dataclass(frozen=True, slots=True)
class Controls:
    """The parts of the prerequisite that are the same for all analyses: see `Prerequisite`."""

    named: int
    n: int
    levels: int


def controls(target: AnalysisTarget) -> Generator[Progress, None, Controls]:
    """Paint the control prompts with the model's own settings, and test the noise levels.

    The result is the same for all analyses of a target, so the target's cache keeps it.
    """
    key = ("controls", target.attribute, target.prompt, target.seeds)
    cached: Controls | None = None if target.memory is None else target.memory.get(key)
    if cached is not None:
        return cached
    some = list(control_prompts(target).items())[:MOST]
    asked = some * max(1, MOST // len(some))
    seeds = target.more_seeds(len(asked))
    c = target.conditions([prompt for _, prompt in asked], seeds)
    x = yield from target.pictures(c, seeds, stage="control prompts")
    judged = target.judge(x).argmax(1).tolist()
    named = sum(k == asked_class for k, (asked_class, _) in zip(judged, asked, strict=True))
    half = slice(0, len(asked), 2)
    # A few-call network was taught its own levels only, and says nothing at others.
    known = 0 if target.ddpm.calls else levels_known(target, x[half], c[half], seeds[half])
    found = Controls(named, len(asked), known)
    if target.memory is not None:
        target.memory.keep(key, found)
    return found


def levels_known(target: AnalysisTarget, x: Tensor, c: Tensor, seeds: Sequence[int]) -> int:
    """Count the levels in `LEVELS` at which the right timestep gives the smallest error.

    Args:
        target: the target whose network is tested.
        x: (n, c, h, w) finished pictures.
        c: (n, e) their conditions.
        seeds: random seeds of the fresh noise, one per picture.
    """
    noise = noise_of(seeds, x.shape, x.device)
    noise(-1)  # the first draw of a seed painted its picture
    timesteps = target.schedule.timestep_of(torch.tensor(LEVELS)).tolist()
    network, right = without_gradients(target.network), 0
    given = torch.tensor(timesteps).repeat_interleave(len(x)).to(x)
    mask = torch.ones(len(given), 1).to(x)
    for i, t in enumerate(timesteps):
        alpha, sigma = target.schedule.at(t)
        x_t = (alpha * x + sigma * noise(0)).repeat(len(timesteps), 1, 1, 1)  # with each timestep
        out = network(x_t, given, c.repeat(len(timesteps), 1), mask)
        x_0 = target.ddpm.parameterization.read(out, x_t, alpha, sigma)[1]
        errors = (x_0.unflatten(0, (len(timesteps), -1)) - x).square().flatten(1).mean(1)
        right += int(errors.argmin()) == i
    return right
