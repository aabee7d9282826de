"""Ancestral sampling (Ho et al. 2020, algorithm 2), over any decreasing timesteps."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from ddpm_clip.diffusion.schedules import CLEAN, NoiseSchedule
from ddpm_clip.errors import UsageError
from ddpm_clip.types import Noise, Predict, Step

VARIANCES = ("beta", "posterior")


def ddpm(
    predict: Predict,
    schedule: NoiseSchedule,
    timesteps: Sequence[float],
    x: Tensor,
    noise: Noise,
    variance: str = "beta",
) -> Iterator[Step]:
    """Sample from q(x_s | x_t, x_0) at each step.

    Args:
        predict: (x_t, t) -> `Prediction`, guided or not.
        schedule: the noise schedule that `timesteps` refer to.
        timesteps: strictly decreasing timesteps; after the last comes the clean picture.
        x: (b, c, h, w) noise at the first timestep.
        noise: returns the fresh noise of step i.
        variance: "beta" (variance of the forward step) or "posterior" (smaller), the upper and
            the lower bound of Ho et al. 2020, section 3.2.
    """
    if variance not in VARIANCES:
        raise UsageError(f"unknown variance {variance!r}", f"choose from: {', '.join(VARIANCES)}")
    for i, (t, s) in enumerate(pairwise([*timesteps, CLEAN])):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule.at(t), schedule.at(s)
        pred = predict(x, t)
        step = alpha_t / alpha_s
        beta = sigma_t**2 - (step * sigma_s) ** 2  # variance of the forward step s -> t
        mean = step * (sigma_s / sigma_t) ** 2 * x + alpha_s * beta / sigma_t**2 * pred.x_0  # eq. 7
        std = beta**0.5 * (sigma_s / sigma_t if variance == "posterior" else 1.0)
        x_prev = mean + std * noise(i) if s != CLEAN else mean
        yield Step(i, t, x, pred, x_prev)
        x = x_prev
