"""Invert finished pictures to their noise and sample them again, with several numbers of steps."""

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
"""dB that a doubling of the steps has to gain. A first-order solver gains 20 log10(2) = 6.02 in the
limit, and more where a coarse walk ends in a different picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Returned:
    """Round trips of n pictures.

    Attributes:
        steps: (k,) numbers of steps, each twice the one before.
        plain: (n, k) PSNR of what returns with plain DDIM inversion, in dB.
        refined: (n, k) the same with the fixed-point iteration.
        another: (n,) PSNR of another picture of the same prompt, in dB.
        x: (n, c, h, w) the pictures.
        back: (n, c, h, w) what returns with the most steps, without refinement.
        noise: (n, c, h, w) the noise that the pictures were inverted to.
        edited: (n, c, h, w) what the noise becomes under the other prompt; None without one.
    """

    steps: tuple[int, ...]
    plain: Tensor
    refined: Tensor
    another: Tensor
    x: Tensor
    back: Tensor
    noise: Tensor
    edited: Tensor | None

    @property
    def nearer(self) -> Means:
        """dB by which what returns is nearer than another picture, with the most steps."""
        return means(self.plain[:, -1] - self.another)

    @property
    def gains(self) -> Means:
        """(k - 1,) dB gained by each doubling of the steps."""
        return means(self.plain.diff(dim=1))

    @property
    def refinement(self) -> Means:
        """(k,) dB gained by the refinement at each number of steps."""
        return means(self.refined - self.plain)

    @property
    def claims(self) -> tuple[Means, Means]:
        """What has to be above 0 if the walk solves a smooth differential equation.

        A first-order solver halves its error with each doubling of the steps, which is 6 dB in the
        limit, and the refinement helps.
        """
        return above(self.gains, LEAST_GAIN), self.refinement


def invert_and_return(
    target: AnalysisTarget,
    seeds: list[int],
    counts: Sequence[int],
    towards: Other | None,
    steps: int | None = None,
) -> Generator[Progress, None, Returned]:
    """Paint pictures, invert them and sample them again, at scale 1: guided walks do not return.

    Args:
        target: the target that paints.
        seeds: random seeds, one per picture.
        counts: numbers of steps of the round trips, rising.
        towards: another prompt that the noise is painted with as well, or None.
        steps: number of steps that paint the pictures; None takes the target's own.
    """
    c = target.conditions(seeds=seeds)
    x = yield from target.pictures(c, seeds, stage="inversion: pictures", steps=steps, scale=1.0)
    predict, schedule = target.predict(c, scale=1.0, seeds=seeds), target.schedule
    plain, refined, back, noise = [], [], x, x
    allowed = [n for n in counts if n <= schedule.T]
    for i, count in enumerate(allowed):
        timesteps = target.timesteps(count)
        noise = invert(predict, schedule, timesteps, x)
        back = return_from(predict, schedule, timesteps, noise)
        plain.append(_psnr(back, x))
        better = invert(predict, schedule, timesteps, x, REFINE)
        refined.append(_psnr(return_from(predict, schedule, timesteps, better), x))
        yield Progress("inversion: round trips", i + 1, len(allowed))
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
