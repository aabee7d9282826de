"""Distributions whose perfect denoiser is known in closed form: worlds without networks.

`Gaussian`, `Mixture` and `IdealDenoiser` answer E[x_0 given x_t] exactly, in float64, and
`exact_predict` puts the answer behind what samplers call. What a sampler does wrong shows here
without any network that could be blamed.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.types import Predict, Prediction


class Distribution(Protocol):
    """Pictures whose expectation given a noisy one is known."""

    def x_0(self, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
        """Return E[x_0 given x_t] (b, c, h, w) of x_t (b, c, h, w)."""
        ...


@dataclass(frozen=True)
class Gaussian:
    """N(mean, std^2) in every coordinate; the mean is a number or a picture."""

    mean: float | Tensor
    std: float

    def x_0(self, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
        """Return E[x_0 given x_t]: a weighted mean of what is known and what is seen."""
        v2, s2 = self.std**2, sigma**2
        return (alpha * v2 * x_t + s2 * self.mean) / (alpha**2 * v2 + s2)

    def spread(self, alpha: float, sigma: float) -> float:
        """Return the standard deviation of x_t."""
        return float((alpha**2 * self.std**2 + sigma**2) ** 0.5)

    def ode_map(self, schedule: NoiseSchedule, x: Tensor, t: float, s: float) -> Tensor:
        """Return where the probability flow carries x from timestep t to timestep s."""
        (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule.at(t), schedule.at(s)
        stretch = self.spread(alpha_s, sigma_s) / self.spread(alpha_t, sigma_t)
        return alpha_s * self.mean + (x - alpha_t * self.mean) * stretch


@dataclass(frozen=True)
class Mixture:
    """Round modes of one spread: means (k, c, h, w), weights (k,)."""

    means: Tensor
    weights: Tensor
    std: float

    def responsibilities(self, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
        """Return the probability of each mode given x_t: (b, k)."""
        spread = alpha**2 * self.std**2 + sigma**2
        away = x_t[:, None].double() - alpha * self.means  # (b, k, c, h, w)
        logits = self.weights.log() - away.square().flatten(2).sum(2) / (2 * spread)
        return logits.softmax(1)

    def x_0(self, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
        """Return E[x_0 given x_t]: the expectation of each mode, weighted by its probability."""
        v2, s2 = self.std**2, sigma**2
        each = (alpha * v2 * x_t[:, None] + s2 * self.means) / (alpha**2 * v2 + s2)
        share = self.responsibilities(x_t, alpha, sigma)
        return (share[:, :, None, None, None] * each).sum(1)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Return true samples (n, c, h, w)."""
        modes = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, *self.means.shape[1:], generator=generator, dtype=torch.float64)
        return self.means[modes] + self.std * noise

    def nearest(self, x: Tensor) -> Tensor:
        """Return the mode (b,) that each picture belongs to."""
        return (x[:, None] - self.means).square().flatten(2).sum(2).argmin(1)


class IdealDenoiser:
    """The perfect denoiser of a set of pictures (n, c, h, w): it knows these and nothing else.

    As a `Denoiser` it ignores conditions and predicts x_0, so `DDPM(..., parameterization="x_0")`
    samples from it. What it paints are copies. Needs memory for b * n distances.
    """

    c_embed_dim = 1

    def __init__(self, pictures: Tensor, schedule: NoiseSchedule | None = None):
        self.pictures, self.schedule = pictures.double(), schedule
        self.image_shape = tuple(pictures.shape[1:])

    def weights(self, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
        """Return the probability (b, n) that x_t was made from each picture (Bayes' rule)."""
        x, known = x_t.double().flatten(1), self.pictures.flatten(1)
        # |x - alpha p|^2 without |x|^2, which is the same for all p
        away = alpha**2 * known.square().sum(1) - 2 * alpha * x @ known.T
        return (-away / (2 * sigma**2)).softmax(1)

    def x_0(self, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
        """Return E[x_0 given x_t] in float64."""
        mean = self.weights(x_t, alpha, sigma) @ self.pictures.flatten(1)
        return mean.view(len(x_t), *self.image_shape)

    def __call__(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        """x_t (b, c, h, w) at one timestep t (b,) of the schedule -> x_0 (b, c, h, w)."""
        assert self.schedule is not None
        alpha, sigma = self.schedule.at(float(t[0]))
        return self.x_0(x_t, alpha, sigma).to(x_t.dtype)


def exact_predict(distribution: Distribution, schedule: NoiseSchedule) -> Predict:
    """Return what a perfect network would say, as samplers ask for it."""

    def say(x_t: Tensor, t: float) -> Prediction:
        alpha, sigma = schedule.at(t)
        x_0 = distribution.x_0(x_t, alpha, sigma)
        return Prediction((x_t - alpha * x_0) / sigma, x_0)

    return say
