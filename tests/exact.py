"""Distributions whose perfect denoiser is known in closed form: the truth that samplers must meet.

`Gaussian` and `Mixture`, which the course has as well, answer E[x_0 given x_t] exactly, in float64.
`predict` puts the answer behind what samplers call, `ExactDenoiser` behind what `DDPM` and guidance
call. Knows nothing of networks that learn.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ddpm_clip.course.exact import Distribution, Gaussian, Mixture
from ddpm_clip.course.exact import exact_predict as predict
from ddpm_clip.diffusion.parameterization import PARAMETERIZATIONS
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.types import Noise, Step

__all__ = [
    "FOUR_MODES",
    "Distribution",
    "ExactDenoiser",
    "Gaussian",
    "Mixture",
    "end_of",
    "predict",
    "seeded_noise",
]


FOUR_MODES = Mixture(
    torch.tensor([[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]]).double().view(4, 1, 1, 2),
    torch.tensor([0.4, 0.3, 0.2, 0.1]).double(),
    0.3,
)
"""Four well separated modes of unequal weight in the plane, as pictures of 1 x 2 pixels."""


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
