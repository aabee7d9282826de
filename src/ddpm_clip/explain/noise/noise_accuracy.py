"""How accurate the predicted noise is at each noise level.

Pictures are noised again, and the predicted noise is compared with the noise that was added. Its
error is that of the picture, scaled by the noise level:
eps-hat - eps = (alpha/sigma) (x_0 - x_0-hat).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.types import Predict

FLOOR = 1e-4
"""Least variance of a pixel in the linear estimate; a border that is always black has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Accuracy:
    """Accuracy of predictions for n pictures at r noise levels, each value a share.

    Attributes:
        ratio: (r,) sigma/alpha.
        noise: (n, r) R^2 of the predicted noise, about 0.
        picture: (n, r) R^2 of the predicted picture, about the mean of the reference pictures.
        skill: (n, r) share of the linear estimate's squared error that the network removes.
        words: (n, r) share of the unconditional branch's squared error that the words remove.
        contours: (n, r) correlation of the error with the picture's own contours, minus that with
            the contours of another picture.
    """

    ratio: Tensor
    noise: Tensor
    picture: Tensor
    skill: Tensor
    words: Tensor
    contours: Tensor

    def level_of(self, share: float) -> float | None:
        """Return the sigma/alpha at which that share of the picture is predicted, or None.

        Between the levels it is interpolated in the logarithm.
        """
        r2, at = self.picture.mean(0), self.ratio.log()
        for i in range(len(r2) - 1):
            low, high = float(r2[i]), float(r2[i + 1])
            if (low - share) * (high - share) <= 0 and low != high:
                return math.exp(float(torch.lerp(at[i], at[i + 1], (share - low) / (high - low))))
        return None


@dataclass(frozen=True, slots=True, eq=False)
class LinearEstimate:
    """The best estimate that looks at each pixel separately (Wiener 1949).

    Attributes:
        mean: (c, h, w) mean of the reference pictures.
        variance: (c, h, w) variance of each of their pixels.
    """

    mean: Tensor
    variance: Tensor

    @classmethod
    def of(cls, pictures: Tensor) -> "LinearEstimate":
        """Fit it to at least two pictures (n, c, h, w)."""
        x = pictures.double()
        return cls(x.mean(0), x.var(0).clamp(min=FLOOR))

    def x_0(self, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
        """Return (b, c, h, w) the estimate from x_t, exact if pixels are independent Gaussians."""
        gain = alpha * self.variance / (alpha**2 * self.variance + sigma**2)
        return self.mean + gain * (x_t.double() - alpha * self.mean)


def accuracy(
    branches: Predict,
    schedule: NoiseSchedule,
    x_0: Tensor,
    linear: LinearEstimate,
    timesteps: list[float],
    seed: int = 0,
) -> Accuracy:
    """Noise pictures to each level, predict the noise, and compare it with the true one.

    Args:
        branches: predicts with both branches, unclamped.
        schedule: the noise schedule.
        x_0: (n, c, h, w) pictures, n >= 2, painted from the conditions of `branches`.
        linear: the estimate to compare with.
        timesteps: timesteps of the noise levels, above 0.
        seed: random seed of the noise, which differs from level to level.
    """
    generator = torch.Generator().manual_seed(seed)
    clean, kept = x_0.double().cpu(), []
    own = contours(clean)
    other = own.roll(1, 0)
    for t in timesteps:
        alpha, sigma = schedule.at(t)
        eps = torch.randn(clean.shape, generator=generator, dtype=torch.float64)
        x_t = (alpha * clean + sigma * eps).to(x_0)
        pred = branches(x_t, t)
        assert pred.x_0_cond is not None
        assert pred.x_0_uncond is not None
        cond, uncond = pred.x_0_cond.double().cpu(), pred.x_0_uncond.double().cpu()
        noisy = x_t.double().cpu()
        wrong, error = (noisy - alpha * cond) / sigma - eps, _power(cond - clean)
        size = wrong.abs().mean(1)
        kept.append(
            (
                1 - _power(wrong) / _power(eps),
                1 - error / _power(clean - linear.mean),
                1 - error / _power(linear.x_0(noisy, alpha, sigma) - clean),
                1 - error / _power(uncond - clean),
                _correlation(size, own) - _correlation(size, other),
            )
        )
    ratio = [sigma / alpha for alpha, sigma in map(schedule.at, timesteps)]
    shares = (torch.stack(one, 1) for one in zip(*kept, strict=True))
    return Accuracy(torch.tensor(ratio, dtype=torch.float64), *shares)


def contours(x: Tensor) -> Tensor:
    """Return (b, h, w) the Sobel gradient length of pictures (b, c, h, w), mean over channels."""
    across = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]], dtype=x.dtype) / 8
    masks = torch.stack([across, across.T])[:, None]
    padded = F.pad(x.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="replicate")
    steep = F.conv2d(padded, masks).square().sum(1).sqrt()
    return steep.view(x.shape[0], x.shape[1], *x.shape[2:]).mean(1)


def _power(x: Tensor) -> Tensor:
    """Return (b,) the squared length of each picture, above 0."""
    return x.flatten(1).square().sum(1).clamp(min=1e-12)


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """Return (n,) Pearson's correlation picture by picture; 0 if one of the two does not vary."""
    a, b = (one.flatten(1) - one.flatten(1).mean(1, keepdim=True) for one in (a, b))
    return F.cosine_similarity(a, b, dim=1)
