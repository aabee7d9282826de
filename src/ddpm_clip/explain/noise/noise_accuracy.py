"""How much of the true noise is in the noise that a network names, level by level.

Pictures are noised anew and the network is asked what the noise was. What it gets wrong of the
noise is what it gets wrong of the picture, seen through the noise level:
eps-hat - eps = (alpha/sigma) (x_0 - x_0-hat). Knows nothing of prompts, judges or drawing.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.types import Predict

FLOOR = 1e-4
"""Least variance of a pixel in the linear guess; a border that is always black has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Accuracy:
    """What was named right at r noise levels of n pictures, each value a share.

    Attributes:
        ratio: (r,) sigma/alpha.
        noise: (n, r) R^2 of the named noise about 0, which the true noise varies around.
        picture: (n, r) R^2 of the foreseen picture about the mean of the reference pictures.
        skill: (n, r) share of the linear guess's squared error that the network does without.
        words: (n, r) share of the wordless branch's squared error that the words take away.
        contours: (n, r) how much more the error lies on the picture's own contours than on those
            of another one: a difference of correlations.
    """

    ratio: Tensor
    noise: Tensor
    picture: Tensor
    skill: Tensor
    words: Tensor
    contours: Tensor

    def level_of(self, share: float) -> float | None:
        """sigma/alpha at which so much of the picture is foreseen; None where it is nowhere.

        Between the levels it is interpolated in the logarithm.
        """
        r2, at = self.picture.mean(0), self.ratio.log()
        for i in range(len(r2) - 1):
            low, high = float(r2[i]), float(r2[i + 1])
            if (low - share) * (high - share) <= 0 and low != high:
                return math.exp(float(torch.lerp(at[i], at[i + 1], (share - low) / (high - low))))
        return None


@dataclass(frozen=True, slots=True, eq=False)
class LinearGuess:
    """The best guess that knows each pixel's mean and spread and nothing else (Wiener 1949).

    Attributes:
        mean: (c, h, w) of reference pictures.
        variance: (c, h, w) of their pixels.
    """

    mean: Tensor
    variance: Tensor

    @classmethod
    def of(cls, pictures: Tensor) -> "LinearGuess":
        """From at least two pictures (n, c, h, w)."""
        x = pictures.double()
        return cls(x.mean(0), x.var(0).clamp(min=FLOOR))

    def x_0(self, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
        """(b, c, h, w) of x_t: exact where pixels are independent and Gaussian."""
        gain = alpha * self.variance / (alpha**2 * self.variance + sigma**2)
        return self.mean + gain * (x_t.double() - alpha * self.mean)


def accuracy(
    ask: Predict,
    schedule: NoiseSchedule,
    x_0: Tensor,
    guess: LinearGuess,
    rows: list[float],
    seed: int = 0,
) -> Accuracy:
    """Noise pictures x_0 (n, c, h, w), n >= 2, to each row; compare what is named with the truth.

    Args:
        ask: says both branches, unclamped.
        schedule: of the noise.
        x_0: pictures of what the conditions in `ask` ask for.
        guess: to be better than.
        rows: of the schedule, above the clean one.
        seed: of the noise, which is another one at every level.
    """
    generator = torch.Generator().manual_seed(seed)
    clean, kept = x_0.double().cpu(), []
    own = contours(clean)
    other = own.roll(1, 0)
    for t in rows:
        alpha, sigma = schedule.at(t)
        eps = torch.randn(clean.shape, generator=generator, dtype=torch.float64)
        x_t = (alpha * clean + sigma * eps).to(x_0)
        said = ask(x_t, t)
        assert said.x_0_cond is not None
        assert said.x_0_uncond is not None
        cond, uncond = said.x_0_cond.double().cpu(), said.x_0_uncond.double().cpu()
        seen = x_t.double().cpu()
        wrong, error = (seen - alpha * cond) / sigma - eps, _power(cond - clean)
        sized = wrong.abs().mean(1)
        kept.append(
            (
                1 - _power(wrong) / _power(eps),
                1 - error / _power(clean - guess.mean),
                1 - error / _power(guess.x_0(seen, alpha, sigma) - clean),
                1 - error / _power(uncond - clean),
                _correlation(sized, own) - _correlation(sized, other),
            )
        )
    ratio = [sigma / alpha for alpha, sigma in map(schedule.at, rows)]
    shares = (torch.stack(one, 1) for one in zip(*kept, strict=True))
    return Accuracy(torch.tensor(ratio, dtype=torch.float64), *shares)


def contours(x: Tensor) -> Tensor:
    """(b, h, w) how steep pictures (b, c, h, w) are, by Sobel's masks, the mean of the channels."""
    across = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]], dtype=x.dtype) / 8
    masks = torch.stack([across, across.T])[:, None]
    padded = F.pad(x.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="replicate")
    steep = F.conv2d(padded, masks).square().sum(1).sqrt()
    return steep.view(x.shape[0], x.shape[1], *x.shape[2:]).mean(1)


def _power(x: Tensor) -> Tensor:
    """(b,) the squared length of each picture, above 0."""
    return x.flatten(1).square().sum(1).clamp(min=1e-12)


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """(n,) Pearson's, picture by picture; 0 where one of them does not vary."""
    a, b = (one.flatten(1) - one.flatten(1).mean(1, keepdim=True) for one in (a, b))
    return F.cosine_similarity(a, b, dim=1)
