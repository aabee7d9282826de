"""From a picture back to the noise it comes from, and down again.

Deterministic sampling solves an ordinary differential equation, dy/dr = eps-hat with y = x / alpha
and r = sigma / alpha (Song et al. 2021, eq. 14), which can also be solved backwards.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ddpm_clip.diffusion.samplers.ddim_sampler import ddim
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.types import Predict


def invert(
    predict: Predict,
    schedule: NoiseSchedule,
    timesteps: Sequence[float],
    x_0: Tensor,
    refine: int = 0,
) -> Tensor:
    """Invert pictures to noise, (b, c, h, w) at `timesteps[0]`.

    Args:
        predict: guided as on the way back; scale 1 is stable, larger scales drift.
        schedule: the noise schedule.
        timesteps: strictly decreasing timesteps, the same as on the way back.
        x_0: (b, c, h, w) pictures.
        refine: rounds of a fixed-point iteration for the very step that the way back will take
            (Pan et al. 2023); 0 uses the slope at the beginning of the step.
    """
    alpha, _ = schedule.at(timesteps[-1])
    x = alpha * x_0  # the noise at the last timestep is unknown, but negligible
    for s, t in pairwise(reversed(timesteps)):
        (alpha_s, sigma_s), (alpha_t, sigma_t) = schedule.at(s), schedule.at(t)
        climb, start = sigma_t / alpha_t - sigma_s / alpha_s, x
        eps = predict(x, s).eps
        for _ in range(refine):
            eps = predict(alpha_t * (start / alpha_s + climb * eps), t).eps
        x = alpha_t * (start / alpha_s + climb * eps)
    return x


def return_from(
    predict: Predict, schedule: NoiseSchedule, timesteps: Sequence[float], x_t: Tensor
) -> Tensor:
    """Sample pictures (b, c, h, w) by DDIM from noise x_t (b, c, h, w) at `timesteps[0]`."""
    x = x_t
    for step in ddim(predict, schedule, timesteps, x_t, no_noise):
        x = step.x_prev
    return x


def apart_from_normal(x: Tensor) -> Tensor:
    """Return (b,) the Kolmogorov-Smirnov distance of values (b, c, h, w) from a standard normal."""
    values = x.double().cpu().flatten(1).sort(1).values
    normal = torch.special.ndtr(values)
    n = values.shape[1]
    steps = torch.arange(n + 1, dtype=torch.float64) / n
    return torch.maximum((normal - steps[:-1]).abs(), (normal - steps[1:]).abs()).amax(1)


def no_noise(i: int) -> Tensor:
    """Stand in for the noise of samplers that must not draw any."""
    raise AssertionError("a deterministic walk draws no noise")
