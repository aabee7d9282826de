"""Building blocks of the U-Net: group norm, residual block with FiLM, attention, embeddings."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.errors import UsageError

GROUP_WIDTH = 16
"""Channels per group where the number of groups is not given.

With bfloat16 on a CPU, narrower groups are ten times slower (`docs/performance.md`).
"""


def group_norm(ch: int, groups: int | None = None) -> nn.GroupNorm:
    """Return a GroupNorm over `ch` channels (Wu and He 2018).

    Args:
        ch: number of channels.
        groups: number of groups; None takes as many as leave each `GROUP_WIDTH` channels or more.

    Raises:
        UsageError: the groups do not divide the channels.
    """
    if groups is None:
        groups = next(g for g in range(max(1, ch // GROUP_WIDTH), 0, -1) if ch % g == 0)
    if ch % groups:
        raise UsageError(
            f"{ch} channels cannot be split into {groups} groups",
            "GroupNorm needs equal groups",
            f"choose a multiple of {groups} in model.down_chs",
            param="model.down_chs",
        )
    return nn.GroupNorm(groups, ch)


def zeroed(module: nn.Module) -> nn.Module:
    """Set all parameters of a module to 0, so that its branch starts without effect."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


class TimeEmbedding(nn.Module):
    """Sinusoidal embedding of the timestep and an MLP: t (b,) -> (b, out).

    Frequencies go from one radian per timestep, which distinguishes neighbouring timesteps, to half
    a turn over all T. Timesteps may be fractional.
    """

    frequencies: Tensor

    def __init__(self, T: int, dim: int, out: int):
        super().__init__()
        if dim < 2 or dim % 2:
            raise UsageError(
                f"t_embed_dim = {dim} must be even and at least 2", param="model.t_embed_dim"
            )
        slowest = math.pi / max(T, 4)
        frequencies = torch.logspace(0, math.log10(slowest), dim // 2)
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.mlp = nn.Sequential(nn.Linear(dim, out), nn.SiLU(), nn.Linear(out, out))

    def features(self, t: Tensor) -> Tensor:
        """Return the sines and cosines (b, dim), before the MLP."""
        angles = t.float()[:, None] * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)

    def forward(self, t: Tensor) -> Tensor:
        """(b,) -> (b, out)."""
        return self.mlp(self.features(t))  # type: ignore[no-any-return]


class ContextEmbedding(nn.Module):
    """Projects a condition, or takes the learned null condition where it is dropped.

    (b, e) -> (b, out). The null is learned after the projection, because c = 0 is a condition like
    any other: after centring it is the average picture.
    """

    def __init__(self, c_embed_dim: int, out: int):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(c_embed_dim, out), nn.SiLU(), nn.Linear(out, out))
        self.null = nn.Parameter(torch.zeros(out))

    def forward(self, c: Tensor, c_mask: Tensor) -> Tensor:
        """c (b, e), c_mask (b, 1) with 1 = keep, 0 = drop -> (b, out)."""
        return torch.where(c_mask > 0.5, self.mlp(c), self.null)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, with FiLM (scale and shift) from time and condition before the second.

    The second convolution and the FiLM layer start at 0, so the block starts as its shortcut.
    """

    def __init__(
        self, ch_in: int, ch: int, emb_dim: int, dropout: float = 0.0, groups: int | None = None
    ):
        super().__init__()
        self.norm1, self.conv1 = group_norm(ch_in, groups), nn.Conv2d(ch_in, ch, 3, padding=1)
        self.norm2, self.conv2 = group_norm(ch, groups), zeroed(nn.Conv2d(ch, ch, 3, padding=1))
        self.film = zeroed(nn.Linear(emb_dim, 2 * ch))
        self.dropout = nn.Dropout(dropout)
        self.shortcut = nn.Conv2d(ch_in, ch, 1) if ch_in != ch else nn.Identity()

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        """x (b, ch_in, h, w), emb (b, k) -> (b, ch, h, w)."""
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.film(emb)[:, :, None, None].chunk(2, dim=1)
        h = F.silu(torch.addcmul(shift, self.norm2(h), 1 + scale))
        return self.shortcut(x) + self.conv2(self.dropout(h))  # type: ignore[no-any-return]


class Attention(nn.Module):
    """Self-attention over all positions with heads of `head` channels; starts as the identity."""

    def __init__(self, ch: int, head: int = 32, groups: int | None = None):
        super().__init__()
        self.heads = max(1, ch // head)
        if ch % self.heads:
            raise UsageError(
                f"{ch} channels cannot be split into {self.heads} attention heads",
                fix=f"choose a multiple of {head} in model.down_chs, or model.attention=0",
                param="model.down_chs",
            )
        self.norm = group_norm(ch, groups)
        self.qkv = nn.Linear(ch, 3 * ch)
        self.out = zeroed(nn.Linear(ch, ch))

    def forward(self, x: Tensor) -> Tensor:
        """(b, ch, h, w) -> the same shape."""
        b, ch, height, width = x.shape
        tokens = self.norm(x).flatten(2).transpose(1, 2)  # (b, h*w, ch)
        q, k, v = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        # Not scaled_dot_product_attention: with so few tokens its CPU backward is 10x slower.
        weights = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
        mixed = (weights @ v).transpose(1, 2).flatten(2)
        return x + self.out(mixed).transpose(1, 2).reshape(b, ch, height, width)  # type: ignore[no-any-return]


class Downsample(nn.Module):
    """Halves height and width by a strided convolution."""

    def __init__(self, ch: int):
        super().__init__()
        self.conv = nn.Conv2d(ch, ch, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, ch, h, w) -> (b, ch, h/2, w/2)."""
        return self.conv(x)  # type: ignore[no-any-return]


class Upsample(nn.Module):
    """Doubles height and width by nearest-neighbour interpolation and a convolution."""

    def __init__(self, ch_in: int, ch: int):
        super().__init__()
        self.conv = nn.Conv2d(ch_in, ch, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, ch_in, h, w) -> (b, ch, 2h, 2w)."""
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))  # type: ignore[no-any-return]
