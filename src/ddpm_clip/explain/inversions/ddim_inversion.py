"""From a picture back to the noise that it would come from, and how well it returns.

The deterministic walk is an ordinary differential equation, dy/dr = eps-hat with y = x / alpha and
r = sigma / alpha (Song et al. 2021, eq. 14), so it can be walked up as well as down. Knows nothing
of prompts or judges.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ddpm_clip.diffusion.samplers.ddim_sampler import ddim
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.types import Predict


def invert(
    predict: Predict, schedule: NoiseSchedule, rows: Sequence[float], x_0: Tensor, refine: int = 0
) -> Tensor:
    """Walk from pictures up to noise, (b, c, h, w) at `rows[0]`.

    Args:
        predict: guided as the way back will be; scale 1 is stable, larger ones drift.
        schedule: of the noise.
        rows: strictly decreasing, as for the way back.
        x_0: (b, c, h, w) pictures.
        refine: rounds of a fixed-point iteration for the step that the way back will undo
            (Pan et al. 2023); 0 takes the slope where the step begins.
    """
    alpha, _ = schedule.at(rows[-1])
    x = alpha * x_0  # of the first row's noise nothing is known; it is next to none
    for s, t in pairwise(reversed(rows)):
        (alpha_s, sigma_s), (alpha_t, sigma_t) = schedule.at(s), schedule.at(t)
        climb, start = sigma_t / alpha_t - sigma_s / alpha_s, x
        eps = predict(x, s).eps
        for _ in range(refine):
            eps = predict(alpha_t * (start / alpha_s + climb * eps), t).eps
        x = alpha_t * (start / alpha_s + climb * eps)
    return x


def return_from(
    predict: Predict, schedule: NoiseSchedule, rows: Sequence[float], x_t: Tensor
) -> Tensor:
    """Walk down from noise x_t (b, c, h, w) at `rows[0]` by DDIM, (b, c, h, w)."""
    x = x_t
    for step in ddim(predict, schedule, rows, x_t, no_noise):
        x = step.x_prev
    return x


def apart_from_normal(x: Tensor) -> Tensor:
    """(b,) Kolmogorov's distance of each map's values (b, c, h, w) from the standard normal."""
    values = x.double().cpu().flatten(1).sort(1).values
    said = torch.special.ndtr(values)
    n = values.shape[1]
    steps = torch.arange(n + 1, dtype=torch.float64) / n
    return torch.maximum((said - steps[:-1]).abs(), (said - steps[1:]).abs()).amax(1)


def no_noise(i: int) -> Tensor:
    """For samplers that must not draw any."""
    raise AssertionError("a deterministic walk draws no noise")
