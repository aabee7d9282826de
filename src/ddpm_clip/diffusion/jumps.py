"""Jumps over many noise levels at once: what a few-call network is taught, and how it is asked.

Everything here is exact: with the true path of the probability flow, the target of a jump is the
picture that a DDIM step needs to land where the path does. Knows nothing of networks or training.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ddpm_clip.diffusion.parameterization import Level
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.errors import UsageError


def few_call_timesteps(
    schedule: NoiseSchedule, levels: Sequence[float], steps: int | None = None
) -> list[float]:
    """Return the (fractional) timesteps of a few-call network's calls.

    Args:
        schedule: the noise schedule.
        levels: sigma/alpha of each call, falling.
        steps: number of calls that is asked for; None asks for all.

    Raises:
        UsageError: another number of steps is asked for.
    """
    if steps not in (None, len(levels)):
        raise UsageError(
            f"steps = {steps} is not what this model was distilled for",
            f"it paints in {len(levels)} network call{'s' if len(levels) > 1 else ''}, and each "
            "was trained for its own noise level",
            "leave steps out, or paint with the model that it was distilled from",
            param="steps",
        )
    return schedule.timestep_of(torch.tensor(levels, dtype=torch.float64)).tolist()


def jump_target(
    x_t: Tensor, x_s: Tensor, alpha_t: Level, sigma_t: Level, alpha_s: Level, sigma_s: Level
) -> Tensor:
    """Return the x_0 whose DDIM step from x_t leads to x_s (Salimans & Ho 2022, appendix G).

    From x_s = alpha_s x_0 + sigma_s (x_t - alpha_t x_0) / sigma_t. For s clean it is x_s itself.

    Args:
        x_t: (b, c, h, w) where the jump begins, at the larger noise.
        x_s: (b, c, h, w) where it ends.
        alpha_t: alpha at t; like the other three a number, or one that broadcasts.
        sigma_t: sigma at t, above 0.
        alpha_s: alpha at s.
        sigma_s: sigma at s; sigma_s/alpha_s is below sigma_t/alpha_t.
    """
    left = sigma_s / sigma_t
    return (x_s - left * x_t) / (alpha_s - left * alpha_t)


def pseudo_huber(difference: Tensor, c: float) -> Tensor:
    """Return sqrt(m + c^2) - c of each picture (b,), m the mean square of (b, c, h, w).

    Like a squared error below c, and like a distance above it, so that a few pictures that cannot
    be predicted do not decide (Song & Dhariwal 2023, section 3.3, there with sums).
    """
    return (difference.square().flatten(1).mean(1) + c**2).sqrt() - c


SHARPNESS, STEEPNESS, BASE, STAGES = 8.0, 1.0, 2.0, 6.0
"""k, b and q of `lower_level`, and how often its step is divided by q during a training."""


def lower_level(level: Tensor, progress: float) -> Tensor:
    """Return the level r that a consistency training compares with level t (Geng et al. 2024).

    r = t max(0, 1 - n(t) / q^(1 + stage)) with n(t) = 1 + k sigmoid(-b t). It begins with r = 0
    where t is small, which is the training of a denoiser, and ends with r close to t. There the
    stage rises in steps, here evenly.

    Args:
        level: (b,) sigma/alpha.
        progress: share of the training that is done, 0 to 1.
    """
    n = 1 + SHARPNESS * torch.sigmoid(-STEEPNESS * level)
    finer: float = BASE ** (1 + STAGES * progress)
    return level * (1 - n / finer).clamp(min=0)
