"""Betas for the student's own functions, and a network of v that answers with the noise.

The student's loss asks for the noise. A network that gives the noise itself is weak where almost
all is noise: its answer is divided by a tiny alpha there. One that gives v is not, and v converts
to the noise exactly, so the student trains through `AsNoise` and hands in what is inside.
"""

import torch
from torch import Tensor, nn

from ddpm_clip.diffusion.schedules import cosine
from ddpm_clip.models.unet import UNet


def cosine_betas(T: int) -> Tensor:
    """Return the betas (T,), float64, of the cosine schedule (Nichol & Dhariwal 2021).

    >>> from ddpm_clip.diffusion.schedules import NoiseSchedule
    >>> bool(torch.allclose(NoiseSchedule.from_betas(cosine_betas(9)).alpha, cosine(9).alpha))
    True
    """
    alpha_bar = cosine(T).alpha.square()
    before = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
    return 1 - alpha_bar / before


class AsNoise(nn.Module):
    """A network of v that answers with the noise: eps = alpha v + sigma x_t (Salimans & Ho 2022).

    Args:
        network: predicts v.
        alpha: (T,) the signal's level at each timestep.
        sigma: (T,) the noise's.
    """

    def __init__(self, network: UNet, alpha: Tensor, sigma: Tensor):
        super().__init__()
        self.network, self.alpha, self.sigma = network, alpha.float(), sigma.float()
        self.image_shape, self.c_embed_dim = network.image_shape, network.c_embed_dim

    def forward(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        """x_t (b, c, h, w), whole timesteps t (b,), c (b, e), c_mask (b, 1) -> (b, c, h, w)."""
        alpha, sigma = (level[t.long()].view(-1, 1, 1, 1) for level in (self.alpha, self.sigma))
        v: Tensor = self.network(x_t, t.float(), c, c_mask)
        return alpha * v + sigma * x_t
