"""What a judge reads in x_0-hat along walks, and from where on it stays with that.

Knows nothing of what is concluded.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.explain.panels.kinds import Strip
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.crossing import Halfway, halfway
from ddpm_clip.explain.verdict.result import Explanation
from ddpm_clip.types import Progress

COLUMNS, SHOWN = 10, 2
"""Of a strip: steps and pictures."""

LEVELS = "noise level, sigma/alpha"


@dataclass(frozen=True, slots=True, eq=False)
class WalkReading:
    """What a judge reads in x_0-hat along n walks of s steps.

    Attributes:
        ratio: (s,) sigma/alpha, falling.
        probs: (n, s, k) class probabilities.
        ended: (n,) the class of the finished picture.
        strip: (some, s, c, h, w) x_0-hat of the first pictures.
        x: (n, c, h, w) finished pictures.
    """

    ratio: Tensor
    probs: Tensor
    ended: Tensor
    strip: Tensor
    x: Tensor

    @property
    def decided(self) -> Tensor:
        """(n, s) bool: from here on, x_0-hat is of the class in which the walk ends."""
        same = self.probs.argmax(2) == self.ended[:, None]
        return same.flip(1).long().cumprod(1).flip(1).bool()

    def halfway(self) -> Halfway:
        """The level at which half of the walks are decided."""
        return halfway(self.ratio.flip(0), self.decided.flip(1))  # levels have to rise

    def said_of(self, classes: Tensor) -> Tensor:
        """(n, s) the probability of one class a walk (n,)."""
        rows = classes.view(-1, 1, 1).expand(-1, self.probs.shape[1], 1)
        return self.probs.gather(2, rows)[..., 0]


def read(
    target: AnalysisTarget, c: Tensor, stage: str, steps: int | None = None, **walk: Any
) -> Generator[Progress, None, WalkReading]:
    """Walk from the target's seeds and read x_0-hat at every step."""
    rows, said, strip, x = target.timesteps(steps), [], [], None
    for step in target.walk(c, steps=steps, **walk):
        said.append(target.judge(step.pred.x_0).cpu())
        strip.append(step.pred.x_0[:SHOWN].clamp(-1, 1).cpu())
        x = step.x_prev
        yield Progress(stage, step.i + 1, len(rows))
    assert x is not None
    ratio = torch.tensor([target.ratio(t) for t in rows], dtype=torch.float64)
    ended = target.judge(x).argmax(1).cpu()
    return WalkReading(ratio, torch.stack(said, 1), ended, torch.stack(strip, 1), x.clamp(-1, 1))


def columns(steps: int) -> list[int]:
    """Up to `COLUMNS` steps, evenly from the first to the last."""
    return sorted({round(i * (steps - 1) / (COLUMNS - 1)) for i in range(COLUMNS)})


def unread(
    target: AnalysisTarget, name: str, title: str, caption: str
) -> Generator[Progress, None, Explanation]:
    """Where nobody can say what was asked for or what came: the pictures, and no verdict."""
    seeds = list(target.seeds)[:8]
    x = yield from target.pictures(target.conditions(seeds=seeds), seeds, stage=name)
    why = "nobody reads its pictures" if target.judging is None else "the prompt names no class"
    return Explanation(
        name,
        title,
        caption,
        (Strip("What the prompt gives", x[None].cpu()),),
        f"Not tested: {why}.",
        "inconclusive",
        {"n": len(x)},
    )
