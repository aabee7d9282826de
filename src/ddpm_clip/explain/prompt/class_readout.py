"""A linear regression of the judge's probability of a class, which has a gradient everywhere.

Judges saturate and need not be differentiable at all. A ridge regression from pixels to the judge's
probability, on pictures of every class's prompt, reads what the judge reads; its leave-one-out
errors show how well it does on new pictures.
"""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.conditioning.regression import ridge
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.class_prompts import prompts_of
from ddpm_clip.types import Progress

MOST = 10
"""Classes that are painted, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """score(x) = offset + <weights, x - middle>: near 1 for pictures of the class, else near 0.

    Attributes:
        weights: (c, h, w) weights of the pixels.
        middle: (c, h, w) the mean picture.
        offset: the score of the mean picture.
        r2: share of the variance of the judge's probability explained on left-out pictures; 0 or
            less if none is.
        n: number of pictures it was fitted on.
    """

    weights: Tensor
    middle: Tensor
    offset: float
    r2: float
    n: int

    def score(self, x: Tensor) -> Tensor:
        """Return (b,) the scores of pictures x (b, c, h, w); differentiable."""
        away = x - self.middle.to(x)
        return self.offset + (away * self.weights.to(x)).flatten(1).sum(1)


def class_readout(
    target: AnalysisTarget, each: int, steps: int
) -> Generator[Progress, None, Readout]:
    """Paint every class's prompt, and fit the judge's probability of the requested class.

    Args:
        target: a target with a judge and a requested class.
        each: number of pictures per class, from seeds other than the target's.
        steps: most sampling steps.
    """
    prompts, _ = prompts_of(target, MOST)
    asked = [prompt for prompt in prompts for _ in range(each)]
    seeds = target.more_seeds(len(asked), start=len(target.seeds))
    c = target.conditions(asked, seeds)
    x = yield from target.pictures(
        c, seeds, steps=min(steps, target.settings.steps), stage="other classes"
    )
    probs = target.judge(x).cpu()
    assert target.asked_class is not None
    return fit_readout(x, probs[:, target.asked_class])


def fit_readout(x: Tensor, p: Tensor) -> Readout:
    """Fit p (n,) on pictures x (n, c, h, w) by ridge regression, which chooses its own strength."""
    pixels, wanted = x.double().cpu().flatten(1), p.double().cpu()[:, None]
    middle, offset = pixels.mean(0), wanted.mean()
    weights, errors = ridge(pixels - middle, wanted - offset)
    spread = (wanted - offset).square().sum()
    r2 = 1 - errors.square().sum() / spread.clamp(min=1e-12) if spread > 1e-6 else torch.zeros(())
    shape = x.shape[1:]
    return Readout(
        weights[:, 0].view(shape).float(),
        middle.view(shape).float(),
        offset.item(),
        r2.item(),
        len(x),
    )
