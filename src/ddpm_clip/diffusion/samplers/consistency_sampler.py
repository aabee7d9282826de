"""Multistep sampling of consistency models (Song et al. 2023, algorithm 1)."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from ddpm_clip.diffusion.schedules import CLEAN, NoiseSchedule
from ddpm_clip.types import Noise, Predict, Step


def consistency(
    predict: Predict, schedule: NoiseSchedule, timesteps: Sequence[float], x: Tensor, noise: Noise
) -> Iterator[Step]:
    """Jump to a clean picture, noise it afresh to the next timestep, jump again.

    Only for networks whose x_0 is the end of the path through x_t, as distilled ones are taught.
    A denoiser's x_0 is the mean of all ends, and its pictures would be blurred. Arguments as for
    `ddpm`.
    """
    for i, (t, s) in enumerate(pairwise([*timesteps, CLEAN])):
        pred = predict(x, t)
        x_prev = pred.x_0
        if s != CLEAN:
            alpha_s, sigma_s = schedule.at(s)
            x_prev = alpha_s * pred.x_0 + sigma_s * noise(i)
        yield Step(i, t, x, pred, x_prev)
        x = x_prev
