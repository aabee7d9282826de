"""DDIM (Song et al. 2021): first order, deterministic, or with a share `eta` of fresh noise."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from ddpm_clip.diffusion.schedules import CLEAN, NoiseSchedule
from ddpm_clip.types import Noise, Predict, Step


def ddim(
    predict: Predict,
    schedule: NoiseSchedule,
    timesteps: Sequence[float],
    x: Tensor,
    noise: Noise,
    eta: float = 0.0,
) -> Iterator[Step]:
    """Sample with DDIM; one network call per step. Arguments as for `ddpm`.

    `eta` in [0, 1]: 0 is deterministic, 1 equals ancestral sampling with posterior variance.
    """
    for i, (t, s) in enumerate(pairwise([*timesteps, CLEAN])):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule.at(t), schedule.at(s)
        pred = predict(x, t)
        std = _eq_16(eta, alpha_t, sigma_t, alpha_s, sigma_s)
        x_prev = alpha_s * pred.x_0 + max(sigma_s**2 - std**2, 0.0) ** 0.5 * pred.eps  # eq. 12
        if std > 0:
            x_prev = x_prev + std * noise(i)
        yield Step(i, t, x, pred, x_prev)
        x = x_prev


def _eq_16(eta: float, alpha_t: float, sigma_t: float, alpha_s: float, sigma_s: float) -> float:
    """Return the standard deviation of the fresh noise (eq. 16)."""
    return float(eta * sigma_s / sigma_t * max(0.0, 1 - (alpha_t / alpha_s) ** 2) ** 0.5)
