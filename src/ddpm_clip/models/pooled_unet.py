"""The U-Net of the earlier project that trains its own CLIP: max pooling, additive conditioning.

It loads weights trained there (`ddpm-clip import-legacy`): (1, 32, (64, 128, 256, 512, 1024),
128, 2) has 31,458,625 parameters. Prefer `UNet` for anything new.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.errors import UsageError
from ddpm_clip.models.layers import group_norm
from ddpm_clip.models.sizes import check_multiple
from ddpm_clip.utils.resizing import AnySize, Size

GROUPS = 2
"""Groups of every GroupNorm, as in that project."""


class PooledUNet(nn.Module):
    """A denoiser (`ddpm_clip.types.Denoiser`) with the layout of that project.

    Arguments as for `UNet`; n levels halve the picture n - 1 times. Where the condition is dropped,
    nothing is added in its place.
    """

    def __init__(
        self,
        T: int,
        img_ch: int,
        img_size: AnySize,
        down_chs: Sequence[int] = (64, 128, 256, 512, 1024),
        t_embed_dim: int = 128,
        c_embed_dim: int = 2,
    ):
        super().__init__()
        if t_embed_dim < 4:
            raise UsageError(
                f"t_embed_dim = {t_embed_dim} is below 4",
                fix="choose model.arch=unet",
                param="model.arch",
            )
        halvings = len(down_chs) - 1
        why = f"a network of {len(down_chs)} levels halves them {halvings} times"
        size = check_multiple(Size.of(img_size), 2**halvings, why, "model.arch=unet")
        self.T, self.image_shape = T, (img_ch, *size)
        self.c_embed_dim, self.t_embed_dim = c_embed_dim, t_embed_dim
        self.time = nn.Sequential(
            nn.Linear(t_embed_dim, t_embed_dim), nn.ReLU(), nn.Linear(t_embed_dim, t_embed_dim)
        )
        chs = (img_ch, *down_chs)
        emb_dims = t_embed_dim, c_embed_dim
        self.down = nn.ModuleList(
            _Block(ch_in, ch, *emb_dims) for ch_in, ch in zip(chs, down_chs, strict=False)
        )
        rising = [(above, ch) for ch, above in pairwise(down_chs)][::-1]
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, ch, 2, stride=2) for a, ch in rising)
        self.joined = nn.ModuleList(_Block(2 * ch, ch, *emb_dims) for _, ch in rising)
        self.leave = nn.Conv2d(down_chs[0], img_ch, 3, padding=1)

    def forward(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        """x_t (b, img_ch, h, w), t (b,), c (b, e), c_mask (b, 1) -> (b, img_ch, h, w)."""
        time, x, skips = self.time(self.features(t)), x_t, list[Tensor]()
        for level, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if level else x, time, c, c_mask)
            skips.append(x)
        skips.pop()
        for up, block in zip(self.up, self.joined, strict=True):
            x = block(torch.cat([skips.pop(), up(x)], dim=1), time, c, c_mask)
        return self.leave(x)  # type: ignore[no-any-return]

    def features(self, t: Tensor) -> Tensor:
        """Return sines and cosines of t (b, t_embed_dim), 1 to 1/10000 radian per timestep."""
        half = self.t_embed_dim // 2
        rates = torch.exp(-math.log(10_000) / (half - 1) * torch.arange(half, device=t.device))
        angles = t.float()[:, None] * rates
        return torch.cat([angles.sin(), angles.cos()], dim=1)


class _Block(nn.Module):
    """Two convolutions that share one norm; time and condition are added between them."""

    def __init__(self, ch_in: int, ch: int, t_embed_dim: int, c_embed_dim: int):
        super().__init__()
        self.first = nn.Conv2d(ch_in, ch, 3, padding=1)
        self.second = nn.Conv2d(ch, ch, 3, padding=1)
        self.norm = group_norm(ch, GROUPS)
        self.time, self.context = nn.Linear(t_embed_dim, ch), nn.Linear(c_embed_dim, ch)

    def forward(self, x: Tensor, time: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        emb = self.time(time) + self.context(c) * c_mask  # (b, ch)
        h = F.relu(self.norm(self.first(x)) + emb[:, :, None, None])
        return F.relu(self.norm(self.second(h)))
