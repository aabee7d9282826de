"""Heun's method as in EDM (Karras et al. 2022, algorithms 1 and 2): two network calls per step."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ddpm_clip.diffusion.schedules import CLEAN, NoiseSchedule
from ddpm_clip.types import Noise, Predict, Step


def heun(
    predict: Predict,
    schedule: NoiseSchedule,
    timesteps: Sequence[float],
    x: Tensor,
    noise: Noise,
    churn: float = 0.0,
) -> Iterator[Step]:
    """Sample with Heun's method: trapezoidal steps of y = x / alpha in r = sigma / alpha.

    Arguments as for `ddpm`. `churn` is S_churn >= 0: above 0, each step first adds noise and
    raises the noise level (algorithm 2, line 5), at all noise levels (no S_tmin, S_tmax).
    """
    gamma = min(churn / len(timesteps), 2**0.5 - 1)
    for i, (t, s) in enumerate(pairwise([*timesteps, CLEAN])):
        if gamma > 0 and i > 0:
            t, x = _add_noise(schedule, t, x, gamma, noise(i))
        (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule.at(t), schedule.at(s)
        pred = predict(x, t)
        if s == CLEAN:
            x_prev = pred.x_0
        else:
            # The derivative dy/dr is the predicted noise.
            drop = sigma_s / alpha_s - sigma_t / alpha_t
            euler = alpha_s * (x / alpha_t + drop * pred.eps)
            slope = (pred.eps + predict(euler, s).eps) / 2
            x_prev = alpha_s * (x / alpha_t + drop * slope)
        yield Step(i, t, x, pred, x_prev)
        x = x_prev


def _add_noise(
    schedule: NoiseSchedule, t: float, x: Tensor, gamma: float, z: Tensor
) -> tuple[float, Tensor]:
    """Raise the noise level r by the factor 1 + gamma, at most to the end of the schedule."""
    alpha, sigma = schedule.at(t)
    ratio = sigma / alpha
    higher = schedule.timestep_of(torch.tensor([ratio * (1 + gamma)])).item()
    alpha_up, sigma_up = schedule.at(higher)
    extra = max((sigma_up / alpha_up) ** 2 - ratio**2, 0.0) ** 0.5
    return higher, alpha_up * (x / alpha + extra * z)
