"""A denoiser with the guidance scale as one more input, so that one call is a guided prediction.

Classifier-free guidance needs two predictions a step. A network that is told the scale can learn
their combination (Meng et al. 2023), which is what a distillation teaches it. Knows nothing of how.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn

from ddpm_clip.models.layers import zeroed
from ddpm_clip.types import Denoiser

FEATURES, HIDDEN = 16, 128
"""Sizes of the embedding of a scale."""

LONGEST = 8.0
"""Longest wavelength of a scale's sines; the shortest is a quarter."""


class ScaleEmbedding(nn.Module):
    """Sines and cosines of the guidance scale and an MLP that starts at 0: (b,) -> (b, out)."""

    frequencies: Tensor

    def __init__(self, out: int):
        super().__init__()
        octaves = torch.linspace(math.log2(1 / LONGEST), 2.0, FEATURES // 2)
        self.register_buffer("frequencies", 2 * math.pi * 2**octaves, persistent=False)
        last = zeroed(nn.Linear(HIDDEN, out))
        self.mlp = nn.Sequential(nn.Linear(FEATURES, HIDDEN), nn.SiLU(), last)

    def forward(self, scale: Tensor) -> Tensor:
        """(b,) -> (b, out)."""
        angles = scale.float()[:, None] * self.frequencies
        return self.mlp(torch.cat([angles.sin(), angles.cos()], 1))  # type: ignore[no-any-return]


class ScaleConditioned(nn.Module):
    """A denoiser (`ddpm_clip.types.Denoiser`) around another, which is told the guidance scale.

    The embedding of the scale is added to the condition, so that every network can be wrapped, and
    starts at 0, so that it begins as the network that it wraps.

    Args:
        network: a denoiser; its weights become those of this one.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        inner = cast(Denoiser, network)
        self.image_shape, self.c_embed_dim = inner.image_shape, inner.c_embed_dim
        self.scale = ScaleEmbedding(inner.c_embed_dim)

    def forward(
        self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor, scale: Tensor | None = None
    ) -> Tensor:
        """As a denoiser, with scale (b,): 1 where it is not given; 0 ignores the condition."""
        if scale is None:
            scale = torch.ones(len(c), device=c.device)
        mask = c_mask * (scale != 0).to(c_mask)[:, None]
        return self.network(x_t, t, c + self.scale(scale), mask)  # type: ignore[no-any-return]


class AtScale:
    """A network at a guidance scale, one number or one per picture (b,): a denoiser like any."""

    def __init__(self, network: ScaleConditioned, scale: float | Tensor):
        self.network, self.scale = network, scale
        self.image_shape, self.c_embed_dim = network.image_shape, network.c_embed_dim

    def __call__(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        """Arguments as for a denoiser."""
        scale = torch.as_tensor(self.scale, dtype=torch.float32, device=c.device).expand(len(c))
        return self.network(x_t, t, c, c_mask, scale)  # type: ignore[no-any-return]


def at_scale(model: Denoiser, scale: float | Tensor) -> tuple[Denoiser, float | Tensor]:
    """Return a denoiser, and the guidance scale that is left to be applied outside of it.

    A network that is told the scale leaves nothing: 1, where guidance runs one branch only.
    """
    if isinstance(model, ScaleConditioned):
        return AtScale(model, scale), 1.0
    return model, scale
