"""Walks with the guidance field switched off at some pixels.

At every step the masked pixels take the prediction without words, and all others the guided one.
The mask is the strongest part of the field or, as a control of the same shape and size, that part
shifted elsewhere.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ddpm_clip.diffusion.guidance import CLAMPS
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.types import Predict, Prediction

Mask = Callable[[Tensor], Tensor]
"""Field (b, c, h, w) -> (b, 1, h, w) bool, True where it is switched off."""


def strongest(share: float) -> Mask:
    """Return a mask of the given share of the pixels, those of largest |field|."""

    def mask(field: Tensor) -> Tensor:
        size = field.abs().sum(1).flatten(1)
        count = max(1, round(share * size.shape[1]))
        top = torch.zeros_like(size, dtype=torch.bool)
        top.scatter_(1, size.topk(count, dim=1).indices, True)
        return top.view(-1, 1, *field.shape[-2:])

    return mask


def moved(mask: Mask, seed: int = 0) -> Mask:
    """Return the same mask, shifted cyclically and at random for every picture and step."""
    generator = torch.Generator().manual_seed(seed)

    def elsewhere(field: Tensor) -> Tensor:
        height, width = field.shape[-2:]
        down = torch.randint(1, height, (len(field),), generator=generator).tolist()
        right = torch.randint(1, width, (len(field),), generator=generator).tolist()
        shifts = zip(mask(field), down, right, strict=True)
        return torch.stack([one.roll((dy, dx), (1, 2)) for one, dy, dx in shifts])

    return elsewhere


def switched_off(
    target: AnalysisTarget, c: Tensor, seeds: list[int], mask: Mask
) -> Callable[[Predict], Predict]:
    """Return a wrap of `predict` that switches the field off in a batch of these conditions."""
    branches = target.branches(c, seeds)
    clamp = CLAMPS[target.settings.clamp]

    def wrap(predict: Predict) -> Predict:
        def masked(x_t: Tensor, t: float) -> Prediction:
            pred = predict(x_t, t)
            both = pred if pred.x_0_cond is not None else branches(x_t, t)
            assert both.x_0_cond is not None
            assert both.x_0_uncond is not None
            off = mask(both.x_0_cond - both.x_0_uncond)
            alpha, sigma = target.schedule.at(t)
            x_0 = torch.where(off, clamp(both.x_0_uncond), pred.x_0)
            return Prediction((x_t - alpha * x_0) / sigma, x_0, both.x_0_cond, both.x_0_uncond)

        return masked

    return wrap
