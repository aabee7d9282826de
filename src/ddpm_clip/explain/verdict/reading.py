"""What the judge reads in x_0-hat at each step of a walk, and when its answer stays the same."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.explain.panels.kinds import Strip
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.crossing import Halfway, halfway
from ddpm_clip.explain.verdict.prerequisite import why_untested
from ddpm_clip.explain.verdict.result import Explanation
from ddpm_clip.types import Progress

COLUMNS, SHOWN = 10, 2
"""Steps and pictures shown in a strip."""

LEVELS = "noise level, sigma/alpha"


@dataclass(frozen=True, slots=True, eq=False)
class WalkReading:
    """What the judge reads in x_0-hat along n walks of s steps.

    Attributes:
        ratio: (s,) sigma/alpha, falling.
        probs: (n, s, k) class probabilities of x_0-hat.
        ended: (n,) the class of the finished picture.
        strip: (SHOWN, s, c, h, w) x_0-hat of the first pictures.
        x: (n, c, h, w) finished pictures.
    """

    ratio: Tensor
    probs: Tensor
    ended: Tensor
    strip: Tensor
    x: Tensor

    @property
    def decided(self) -> Tensor:
        """(n, s) bool: from this step on, x_0-hat keeps the class in which the walk ends."""
        same = self.probs.argmax(2) == self.ended[:, None]
        return same.flip(1).long().cumprod(1).flip(1).bool()

    def halfway(self) -> Halfway:
        """Return the level at which half of the walks are decided."""
        return halfway(self.ratio.flip(0), self.decided.flip(1))  # levels have to rise

    def probability_of(self, classes: Tensor) -> Tensor:
        """Return (n, s) the probability of a given class (n,) in each walk."""
        index = classes.view(-1, 1, 1).expand(-1, self.probs.shape[1], 1)
        return self.probs.gather(2, index)[..., 0]


def read(
    target: AnalysisTarget, c: Tensor, stage: str, steps: int | None = None, **walk: Any
) -> Generator[Progress, None, WalkReading]:
    """Walk from the target's seeds and judge x_0-hat at every step."""
    timesteps, probs, strip, x = target.timesteps(steps), [], [], None
    for step in target.walk(c, steps=steps, **walk):
        probs.append(target.judge(step.pred.x_0).cpu())
        strip.append(step.pred.x_0[:SHOWN].clamp(-1, 1).cpu())
        x = step.x_prev
        yield Progress(stage, step.i + 1, len(timesteps))
    assert x is not None
    ratio = torch.tensor([target.ratio(t) for t in timesteps], dtype=torch.float64)
    ended = target.judge(x).argmax(1).cpu()
    return WalkReading(ratio, torch.stack(probs, 1), ended, torch.stack(strip, 1), x.clamp(-1, 1))


def columns(steps: int) -> list[int]:
    """Return up to `COLUMNS` steps, evenly spaced from the first to the last."""
    return sorted({round(i * (steps - 1) / (COLUMNS - 1)) for i in range(COLUMNS)})


def untested(
    target: AnalysisTarget, name: str, title: str, caption: str
) -> Generator[Progress, None, Explanation]:
    """Return some pictures and no conclusion, for want of a judge or of a requested class."""
    seeds = list(target.seeds)[:8]
    x = yield from target.pictures(target.conditions(seeds=seeds), seeds, stage=name)
    return Explanation(
        name,
        title,
        caption,
        (Strip("Pictures of the prompt", x[None].cpu()),),
        f"Not tested: {why_untested(target)}.",
        "inconclusive",
        {"n": len(x)},
    )
