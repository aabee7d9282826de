"""DPM-Solver++(2M), second-order multistep (Lu et al. 2022), for the ODE and for the SDE."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from ddpm_clip.diffusion.schedules import CLEAN, NoiseSchedule
from ddpm_clip.types import Noise, Predict, Step


def dpmpp_2m(
    predict: Predict, schedule: NoiseSchedule, timesteps: Sequence[float], x: Tensor, noise: Noise
) -> Iterator[Step]:
    """Sample with DPM-Solver++(2M) (algorithm 2). Arguments as for `ddpm`.

    Deterministic, one network call per step, second order through the x_0 of the previous step.
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
    """Sample with SDE-DPM-Solver++(2M). Arguments as for `ddpm`.

    Like `dpmpp_2m` with fresh noise at each step, which damps earlier errors but needs more steps.
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
    """The x_0 of the previous step, and that step's width h in log(alpha/sigma)."""

    def __init__(self) -> None:
        self.x_0: Tensor | None = None
        self.h = 0.0

    def extrapolate(self, x_0: Tensor, h: float) -> Tensor:
        """Extrapolate x_0 linearly from the last two, to the middle of the step of width h."""
        d = x_0 if self.x_0 is None else x_0 + h / (2 * self.h) * (x_0 - self.x_0)
        self.x_0, self.h = x_0, h
        return d
