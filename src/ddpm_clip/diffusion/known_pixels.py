"""Inpainting as a wrapper of `predict`: what is known of a picture is not asked of the network.

Knows nothing of masks on disk, prompts or samplers.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.types import Predict, Prediction


def with_known_pixels(
    known: Tensor, paint: Tensor, schedule: NoiseSchedule
) -> Callable[[Predict], Predict]:
    """Impose x_0 = `known` wherever `paint` is False.

    With x_0 given, every sampler carries a pixel to alpha_s x_0 + sigma_s eps of the next timestep,
    which is what noising the known pixels anew at each step does (Lugmayr et al. 2022, eq. 8a):
    the network sees them at the right noise level beside what it paints. The last step leaves
    them exactly as they are.

    Args:
        known: (c, h, w) in [-1, 1], one picture for the whole batch.
        paint: (1, h, w) bool, where the network is asked.
        schedule: the table that the timesteps belong to.

    Returns:
        What makes such a `predict` of any other; where `paint` is True it answers to the bit.
    """

    def wrap(predict: Predict) -> Predict:
        def imposed(x_t: Tensor, t: float) -> Prediction:
            alpha, sigma = schedule.at(t)
            pred = predict(x_t, t)
            eps = torch.where(paint, pred.eps, (x_t - alpha * known) / sigma)
            x_0 = torch.where(paint, pred.x_0, known)  # (b, c, h, w)
            return Prediction(eps, x_0, pred.x_0_cond, pred.x_0_uncond)

        return imposed

    return wrap
