"""Finished pictures walked up to their noise and down again, at several finenesses of the walk.

Knows nothing of judges.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.explain.inversions.ddim_inversion import invert, return_from
from ddpm_clip.explain.inversions.other_prompt import Other
from ddpm_clip.explain.maths.picture_metrics import psnr
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.verdicts import above
from ddpm_clip.statistics.means import Means, means
from ddpm_clip.types import Progress

REFINE = 2
"""Rounds of the fixed-point iteration."""

LEAST_GAIN = 2.0
"""dB that a doubling of the steps has to bring; 20 log10(2) = 6.02 in the limit, and more than
that where a coarse walk ends in another picture altogether."""


@dataclass(frozen=True, slots=True, eq=False)
class Returned:
    """Pictures of n seeds walked up and down.

    Attributes:
        fineness: (k,) steps of the walks, each twice the one before.
        plain: (n, k) dB of what returns by DDIM's own inversion.
        refined: (n, k) dB with the fixed-point iteration.
        stranger: (n,) dB of another picture of the same prompt.
        x: (n, c, h, w) the pictures.
        back: (n, c, h, w) what returns from the finest walk, plain.
        noise: (n, c, h, w) what they would come from.
        edited: (n, c, h, w) what the noise becomes under the other prompt; None without one.
    """

    fineness: tuple[int, ...]
    plain: Tensor
    refined: Tensor
    stranger: Tensor
    x: Tensor
    back: Tensor
    noise: Tensor
    edited: Tensor | None

    @property
    def nearer(self) -> Means:
        """dB by which what returns is nearer than a stranger, at the finest walk."""
        return means(self.plain[:, -1] - self.stranger)

    @property
    def gains(self) -> Means:
        """(k - 1,) dB that each doubling of the steps brings."""
        return means(self.plain.diff(dim=1))

    @property
    def refines(self) -> Means:
        """(k,) dB that the refinement brings at each fineness."""
        return means(self.refined - self.plain)

    @property
    def laws(self) -> tuple[Means, Means]:
        """What has to be above 0 if the walk follows a smooth equation.

        Of a first-order solver half of the error goes with each doubling, which is 6 dB in the
        limit, and the refinement helps.
        """
        return above(self.gains, LEAST_GAIN), self.refines


def up_and_down(
    target: AnalysisTarget,
    seeds: list[int],
    fineness: Sequence[int],
    towards: Other | None,
    steps: int | None = None,
) -> Generator[Progress, None, Returned]:
    """Paint, invert and return, at scale 1 (a guided walk does not come back).

    Args:
        target: walks.
        seeds: one a picture.
        fineness: steps of the walks up and down, rising.
        towards: the prompt that the noise is painted under as well.
        steps: of the walks that paint the pictures; None are the target's own.
    """
    c = target.conditions(seeds=seeds)
    x = yield from target.pictures(c, seeds, stage="inversion: pictures", steps=steps, scale=1.0)
    predict, schedule = target.predict(c, scale=1.0, seeds=seeds), target.schedule
    plain, refined, back, noise = [], [], x, x
    allowed = [n for n in fineness if n <= schedule.T]
    for i, count in enumerate(allowed):
        rows = target.timesteps(count)
        noise = invert(predict, schedule, rows, x)
        back = return_from(predict, schedule, rows, noise)
        plain.append(_psnr(back, x))
        better = invert(predict, schedule, rows, x, REFINE)
        refined.append(_psnr(return_from(predict, schedule, rows, better), x))
        yield Progress("inversion: up and down", i + 1, len(allowed))
    edited = None
    if towards is not None:
        edited = yield from target.pictures(
            target.conditions(towards.prompt, seeds),
            seeds,
            x_start=noise,
            sampler="ddim",
            steps=allowed[-1],
            stage="inversion: another prompt",
        )
    return Returned(
        tuple(allowed),
        torch.stack(plain, 1),
        torch.stack(refined, 1),
        _psnr(x.roll(1, 0), x),
        x,
        back,
        noise,
        edited,
    )


def _psnr(x: Tensor, y: Tensor) -> Tensor:
    return psnr(x.double(), y.double()).cpu()
