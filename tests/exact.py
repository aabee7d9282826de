"""Distributions whose perfect denoiser is known in closed form: the truth that samplers must meet.

`Gaussian` and `Mixture` answer E[x_0 given x_t] exactly, in float64. `predict` puts the answer
behind what samplers call, `ExactDenoiser` behind what `DDPM` and guidance call. Knows nothing of
networks that learn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ddpm_clip.diffusion.parameterization import PARAMETERIZATIONS
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.types import Noise, Predict, Prediction, Step


class Distribution(Protocol):
    def x_0(self, x_t: Tensor, alpha: float, sigma: float) -> Tensor: ...


@dataclass(frozen=True)
class Gaussian:
    """N(mean, std^2) in every coordinate; the mean is a number or a picture."""

    mean: float | Tensor
    std: float

    def x_0(self, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
        v2, s2 = self.std**2, sigma**2
        return (alpha * v2 * x_t + s2 * self.mean) / (alpha**2 * v2 + s2)

    def spread(self, alpha: float, sigma: float) -> float:
        """Standard deviation of x_t."""
        return (alpha**2 * self.std**2 + sigma**2) ** 0.5

    def ode_map(self, schedule: NoiseSchedule, x: Tensor, t: float, s: float) -> Tensor:
        """Where the probability flow carries x from row t to row s."""
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
        """(b, k) the probability of each mode given x_t."""
        spread = alpha**2 * self.std**2 + sigma**2
        away = x_t[:, None].double() - alpha * self.means  # (b, k, c, h, w)
        logits = self.weights.log() - away.square().flatten(2).sum(2) / (2 * spread)
        return logits.softmax(1)

    def x_0(self, x_t: Tensor, alpha: float, sigma: float) -> Tensor:
        v2, s2 = self.std**2, sigma**2
        each = (alpha * v2 * x_t[:, None] + s2 * self.means) / (alpha**2 * v2 + s2)
        share = self.responsibilities(x_t, alpha, sigma)
        return (share[:, :, None, None, None] * each).sum(1)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """(n, c, h, w) true samples."""
        modes = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, *self.means.shape[1:], generator=generator, dtype=torch.float64)
        return self.means[modes] + self.std * noise

    def nearest(self, x: Tensor) -> Tensor:
        """(b,) the mode that each picture belongs to."""
        return (x[:, None] - self.means).square().flatten(2).sum(2).argmin(1)


FOUR_MODES = Mixture(
    torch.tensor([[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]]).double().view(4, 1, 1, 2),
    torch.tensor([0.4, 0.3, 0.2, 0.1]).double(),
    0.3,
)
"""Four well separated modes of unequal weight in the plane, as pictures of 1 x 2 pixels."""


def predict(distribution: Distribution, schedule: NoiseSchedule) -> Predict:
    """What a perfect network would say, as samplers ask for it."""

    def say(x_t: Tensor, t: float) -> Prediction:
        alpha, sigma = schedule.at(t)
        x_0 = distribution.x_0(x_t, alpha, sigma)
        return Prediction((x_t - alpha * x_0) / sigma, x_0)

    return say


class ExactDenoiser:
    """A `Denoiser` that knows one distribution for each class and, where masked, another.

    The condition (b, e) is the one-hot class; a masked row is asked about `otherwise`.
    """

    def __init__(
        self,
        classes: Sequence[Distribution],
        otherwise: Distribution,
        schedule: NoiseSchedule,
        image_shape: tuple[int, int, int],
        parameterization: str = "v",
    ):
        self.classes, self.otherwise, self.schedule = classes, otherwise, schedule
        self.image_shape, self.c_embed_dim = image_shape, len(classes)
        self.parameterization = PARAMETERIZATIONS[parameterization]

    def __call__(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        alpha, sigma = self.schedule.at(float(t[0]))
        x = x_t.double()
        said = self.otherwise.x_0(x, alpha, sigma)
        for k, distribution in enumerate(self.classes):
            asked = (c_mask[:, 0] > 0.5) & (c.argmax(1) == k)
            said = torch.where(asked[:, None, None, None], distribution.x_0(x, alpha, sigma), said)
        eps = (x - alpha * said) / sigma
        return self.parameterization.target(said, eps, alpha, sigma)


def seeded_noise(shape: Sequence[int], seed: int = 0) -> Noise:
    """`noise(i)` in float64 from one generator; the first call is x_T."""
    generator = torch.Generator().manual_seed(seed)
    return lambda i: torch.randn(*shape, generator=generator, dtype=torch.float64)


def end_of(steps) -> Tensor:
    """The picture at the end of a walk."""
    last: Step | None = None
    for step in steps:
        last = step
    assert last is not None
    return last.x_prev
