"""DPM-Solver++ of second order, multistep (Lu et al. 2022): as an ODE and as an SDE."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from ddpm_clip.diffusion.schedules import CLEAN, NoiseSchedule
from ddpm_clip.types import Noise, Predict, Step


def dpmpp_2m(
    predict: Predict, schedule: NoiseSchedule, timesteps: Sequence[float], x: Tensor, noise: Noise
) -> Iterator[Step]:
    """Second order from the memory of one earlier x_0 (algorithm 2); the last step is first order.

    Arguments as for `ddpm`; one network call a step, deterministic.
    """
    memory = _Memory()
    for i, (t, s) in enumerate(pairwise([*timesteps, CLEAN])):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule.at(t), schedule.at(s)
        pred = predict(x, t)
        if s == CLEAN:
            x_prev = pred.x_0
        else:
            h = math.log(alpha_s / sigma_s) - math.log(alpha_t / sigma_t)
            d = memory.extrapolate(pred.x_0, h)
            x_prev = sigma_s / sigma_t * x - alpha_s * math.expm1(-h) * d
        yield Step(i, t, x, pred, x_prev)
        x = x_prev


def dpmpp_2m_sde(
    predict: Predict, schedule: NoiseSchedule, timesteps: Sequence[float], x: Tensor, noise: Noise
) -> Iterator[Step]:
    """The same with fresh noise at each step, which forgets earlier errors; needs more steps.

    Arguments as for `ddpm`.
    """
    memory = _Memory()
    for i, (t, s) in enumerate(pairwise([*timesteps, CLEAN])):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule.at(t), schedule.at(s)
        pred = predict(x, t)
        if s == CLEAN:
            x_prev = pred.x_0
        else:
            h = math.log(alpha_s / sigma_s) - math.log(alpha_t / sigma_t)
            d = memory.extrapolate(pred.x_0, h)
            kept, fresh = sigma_s / sigma_t * math.exp(-h), -math.expm1(-2 * h)
            x_prev = kept * x + alpha_s * fresh * d + sigma_s * fresh**0.5 * noise(i)
        yield Step(i, t, x, pred, x_prev)
        x = x_prev


class _Memory:
    """The x_0 of the step before, and how far above it was in log(alpha/sigma)."""

    def __init__(self) -> None:
        self.x_0: Tensor | None = None
        self.h = 0.0

    def extrapolate(self, x_0: Tensor, h: float) -> Tensor:
        """x_0 carried half a step on, along the line through the last two."""
        d = x_0 if self.x_0 is None else x_0 + h / (2 * self.h) * (x_0 - self.x_0)
        self.x_0, self.h = x_0, h
        return d
