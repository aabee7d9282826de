"""Prompts for every class that the judge knows, and whether their pictures are what they ask for.

A judge that knows nothing, a network that heeds nothing and words that went astray all fail here:
of ten classes, each asked for once, they get one right. And a network has something to say about
noise levels only if it errs least when it is told the right one. Knows nothing of any analysis.
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
"""Pictures of controls: a class each, or of few classes each as often as it takes."""

BY_CHANCE = 0.01
"""How likely as many right answers may be by lot."""

LEVELS = (0.1, 0.25, 0.6, 1.5, 4.0, 10.0)
"""sigma/alpha that the network should tell apart."""


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """May an analysis of a prompt say anything at all?

    Attributes:
        followed: of the prompt's own pictures.
        named: control prompts whose picture the judge gives the class they ask for.
        n: control prompts.
        by_chance: the probability of as many by lot.
        levels: of noise that the network knows, of those in `LEVELS`.
        closed: why not, in a sentence; "" where it may.
    """

    followed: Followed | None
    named: int
    n: int
    by_chance: float
    levels: int
    closed: str

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        followed = None if self.followed is None else self.followed.as_dict()
        return {
            "followed": followed,
            "controls_named": self.named,
            "controls": self.n,
            "controls_by_chance": self.by_chance,
            "levels_known": self.levels,
            "levels": len(LEVELS),
            "closed": self.closed or None,
        }


def control_prompts(target: AnalysisTarget) -> dict[int, str]:
    """For each class the prompt with that class in place of its own, or the bare name."""
    prompts, classes = prompts_of(target, len(target.classes))
    return dict(sorted(zip(classes, prompts, strict=True)))


def other_prompts(target: AnalysisTarget, most: int) -> list[str]:
    """Up to `most` prompts that ask for something else, spread over all that there are."""
    others = [text for k, text in control_prompts(target).items() if k != target.asked_class]
    others = others or [text for text in target.vocabulary if text != target.prompt]
    some = min(most, len(others))
    return [others[i * len(others) // some] for i in range(some)]


def check_prerequisite(
    target: AnalysisTarget, probs: Tensor | None
) -> Generator[Progress, None, Prerequisite]:
    """Is the prompt followed, are others, and does the network know noise levels apart?

    Args:
        target: with a judge, or the prerequisite is closed.
        probs: (n, k) what the judge says of the prompt's pictures.
    """
    if probs is None or target.judging is None or target.asked_class is None:
        who = "nobody reads the pictures" if target.judging is None else "the prompt names no class"
        return Prerequisite(None, 0, 0, 1.0, 0, who)
    found = yield from controls(target)
    named, n, known = found.named, found.n, found.levels
    by_chance = at_least(named, n, 1 / len(target.classes))
    followed, closed = Followed.of(probs, target.asked_class), ""
    if not followed.enough:
        closed = (
            f"the judge sees {target.asked_name} in {followed.seen} of {followed.n} pictures, "
            "which is not surely most of them"
        )
    elif by_chance > BY_CHANCE:
        closed = f"of {n} control prompts the judge names {named} right, which chance might do"
    elif at_least(known, len(LEVELS), 1 / len(LEVELS)) > BY_CHANCE:
        closed = (
            f"the network errs least when it is told the right noise level at {known} of "
            f"{len(LEVELS)} levels, which chance might do"
        )
    return Prerequisite(followed, named, n, by_chance, known, closed)


@dataclass(frozen=True, slots=True)
class Controls:
    """What is asked of other prompts and of noise levels: see `Prerequisite`."""

    named: int
    n: int
    levels: int


def controls(target: AnalysisTarget) -> Generator[Progress, None, Controls]:
    """Paint the control prompts as the model paints, and ask about noise levels.

    The same for all analyses of a target, which remembers it where it remembers anything.
    """
    key = ("controls", target.attribute, target.prompt, target.seeds)
    known: Controls | None = None if target.memory is None else target.memory.get(key)
    if known is not None:
        return known
    some = list(control_prompts(target).items())[:MOST]
    asked = some * max(1, MOST // len(some))
    seeds = target.more_seeds(len(asked))
    c = target.conditions([prompt for _, prompt in asked], seeds)
    x = yield from target.pictures(c, seeds, stage="control prompts")
    said = target.judge(x).argmax(1).tolist()
    named = sum(a == b for a, (b, _) in zip(said, asked, strict=True))
    half = slice(0, len(asked), 2)
    found = Controls(named, len(asked), levels_known(target, x[half], c[half], seeds[half]))
    if target.memory is not None:
        target.memory.keep(key, found)
    return found


def levels_known(target: AnalysisTarget, x: Tensor, c: Tensor, seeds: Sequence[int]) -> int:
    """Levels at which the network errs least when it is told the right one, of all in `LEVELS`.

    Args:
        target: whose network is asked.
        x: (n, c, h, w) finished pictures.
        c: (n, e) their conditions.
        seeds: of fresh noise, one a picture.
    """
    noise = noise_of(seeds, x.shape, x.device)
    noise(-1)  # the first draw of a seed painted its picture
    rows = target.schedule.timestep_of(torch.tensor(LEVELS)).tolist()
    ask, right = without_gradients(target.network), 0
    told = torch.tensor(rows).repeat_interleave(len(x)).to(x)
    shown = torch.ones(len(told), 1).to(x)
    for i, t in enumerate(rows):
        alpha, sigma = target.schedule.at(t)
        x_t = alpha * x + sigma * noise(0)
        seen = x_t.repeat(len(rows), 1, 1, 1)  # every row is told in the same call
        said = ask(seen, told, c.repeat(len(rows), 1), shown)
        foreseen = target.ddpm.parameterization.read(said, seen, alpha, sigma)[1]
        errors = (foreseen.unflatten(0, (len(rows), -1)) - x).square().flatten(1).mean(1)
        right += int(errors.argmin()) == i
    return right
