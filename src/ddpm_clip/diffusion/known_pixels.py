"""Inpainting as a wrapper of `predict` that imposes the known pixels on x_0."""

from collections.abc import Callable

import torch
from torch import Tensor

from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.types import Predict, Prediction


def with_known_pixels(
    known: Tensor, paint: Tensor, schedule: NoiseSchedule
) -> Callable[[Predict], Predict]:
    """Impose x_0 = `known` wherever `paint` is False.

    With x_0 given, every sampler takes a pixel to alpha_s x_0 + sigma_s eps at the next timestep,
    which is the same as noising the known pixels at each step (Lugmayr et al. 2022, eq. 8a): the
    network sees them at the right noise level next to what it paints. The last step reproduces
    them exactly.

    Args:
        known: (c, h, w) in [-1, 1], one picture for the whole batch.
        paint: (1, h, w) bool, True where the network paints.
        schedule: the noise schedule that t refers to.

    Returns:
        A wrapper of `predict`; where `paint` is True its result equals that of `predict` exactly.
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
