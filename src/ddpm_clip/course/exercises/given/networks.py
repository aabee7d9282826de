"""Tiny networks for exercises that call one; they also see which mask they are given."""

import torch
from torch import Tensor, nn

from ddpm_clip.models.layers import ContextEmbedding


class TinyDenoiser(nn.Module):
    """A denoiser (`ddpm_clip.types.Denoiser`) of pictures (1, 4, 4) with conditions of size 3.

    Its weights are random and fixed, and its null is not zero, so that dropping a condition, giving
    zeros and giving the average condition are three different things.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.image_shape, self.c_embed_dim = (1, 4, 4), 3
        self.context = ContextEmbedding(3, 4)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
        self.masks: list[Tensor] = []

    def forward(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        """x_t (b, 1, 4, 4), t (b,), c (b, 3), c_mask (b, 1) -> (b, 1, 4, 4)."""
        self.masks.append(c_mask.detach().clone())
        emb = self.context(c, c_mask)  # (b, 4)
        wave = (t.float() / 100).sin().view(-1, 1, 1, 1)
        return torch.tanh(x_t + emb[:, None, None, :] + wave)
