"""Reference answers of lesson 04."""

import torch
from torch import Tensor


def context_mask(b: int, drop: float, generator: torch.Generator) -> Tensor:
    """Return a mask (b, 1) of ones and zeros."""
    return (torch.rand(b, 1, generator=generator) >= drop).float()


def guided(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    """Return the guided prediction."""
    return (1 + w) * cond - w * uncond


def converted(w: float, s: float) -> tuple[float, float]:
    """Return the scale of the weight w, and the weight of the scale s."""
    return 1 + w, s - 1
