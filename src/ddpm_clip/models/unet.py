"""The default U-Net: residual blocks with FiLM, self-attention at low resolution, skips.

Fully convolutional, so the same weights run at every picture size that is a multiple of the stem.
An odd height or width is rounded up when halved, and cropped again on the way up to match its skip.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.models.layers import (
    Attention,
    ContextEmbedding,
    Downsample,
    ResidualBlock,
    TimeEmbedding,
    Upsample,
    group_norm,
    zeroed,
)
from ddpm_clip.models.sizes import check_multiple
from ddpm_clip.utils.resizing import AnySize, Size


class UNet(nn.Module):
    """A denoiser (`ddpm_clip.types.Denoiser`).

    Args:
        T: number of timesteps of the noise schedule.
        img_ch: channels of the picture.
        img_size: side of the training pictures in pixels, or (height, width); multiples of `stem`.
        down_chs: channels of each level, multiples of `norm_groups`.
        t_embed_dim: number of sinusoidal features of the timestep, even.
        c_embed_dim: size of the condition.
        blocks: residual blocks per level, each with a skip connection.
        stem: space-to-depth factor before the first level, which then works at 1/stem of the
            resolution: cheaper convolutions at nearly the same quality. 1 is off.
        attention: self-attention after the last block of levels at most this wide, and in the
            middle; 0 is none.
        dropout: dropout probability in the residual blocks.
        norm_groups: groups of every GroupNorm; None makes groups of 16 channels.

    Raises:
        UsageError: sizes or channels are not divisible as required.
    """

    def __init__(
        self,
        T: int,
        img_ch: int,
        img_size: AnySize,
        down_chs: Sequence[int] = (256, 256, 512),
        t_embed_dim: int = 8,
        c_embed_dim: int = 512,
        *,
        blocks: int = 2,
        stem: int = 1,
        attention: int = 8,
        dropout: float = 0.0,
        norm_groups: int | None = None,
    ):
        super().__init__()
        self.c_embed_dim, self.stem = c_embed_dim, stem
        size = self._checked(Size.of(img_size))
        self.T, self.image_shape = T, (img_ch, *size)
        k = 4 * down_chs[0]
        within = _Within(k, dropout, norm_groups)
        self.time = TimeEmbedding(T, t_embed_dim, k)
        self.context = ContextEmbedding(c_embed_dim, k)
        self.enter = nn.Conv2d(img_ch * stem**2, down_chs[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        width, ch = max(size) // stem, down_chs[0]
        for level, d in enumerate(down_chs):
            attend = width <= attention
            self.down.append(
                _Level([(ch if i == 0 else d, d) for i in range(blocks)], attend, within)
            )
            above = down_chs[level - 1] if level else d
            self.up.insert(0, _Level([(2 * d, d)] * blocks, attend, within))
            if level:
                self.up[0].resize = Upsample(d, above)
            if level < len(down_chs) - 1:
                self.down[-1].resize = Downsample(d)
            width, ch = (width + 1) // 2, d
        self.middle = _Level([(ch, ch)], attention > 0, within)
        self.norm = group_norm(down_chs[0], norm_groups)
        self.leave = zeroed(nn.Conv2d(down_chs[0], img_ch * stem**2, 3, padding=1))

    def forward(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        """x_t (b, img_ch, h, w), t (b,), c (b, e), c_mask (b, 1) -> (b, img_ch, h, w)."""
        self._checked(Size(*x_t.shape[-2:]))
        emb = F.silu(self.time(t) + self.context(c, c_mask))  # (b, k)
        x = self.enter(_to_depth(x_t, self.stem))  # (b, d, h/stem, w/stem)
        skips: list[Tensor] = []
        for level in self.down:
            for block in _blocks(level):
                x = block(x, emb)
                skips.append(x)
            x = _resized(level, x)
        x = self.middle(x, emb)
        for level in self.up:
            for block in _blocks(level):
                x = block(_joined(x, skips.pop()), emb)
            x = _resized(level, x)
        return _to_space(self.leave(F.silu(self.norm(x))), self.stem)

    def _checked(self, size: Size) -> Size:
        folds = f"its stem folds {self.stem} x {self.stem} pixels into one"
        return check_multiple(size, self.stem, folds, "another model.stem")


@dataclass(frozen=True, slots=True)
class _Within:
    """The options that all residual blocks share."""

    emb_dim: int
    dropout: float
    norm_groups: int | None


class _Level(nn.Module):
    """The residual blocks at one resolution, then the change to the next resolution."""

    def __init__(self, chs: list[tuple[int, int]], attend: bool, within: _Within):
        super().__init__()
        last = len(chs) - 1
        self.blocks = nn.ModuleList(
            _Block(ch_in, ch, attend and n == last, within) for n, (ch_in, ch) in enumerate(chs)
        )
        self.resize: nn.Module = nn.Identity()

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x, emb)
        return self.resize(x)  # type: ignore[no-any-return]


class _Block(nn.Module):
    """A residual block, with or without self-attention after it."""

    def __init__(self, ch_in: int, ch: int, attend: bool, within: _Within):
        super().__init__()
        groups = within.norm_groups
        self.residual = ResidualBlock(ch_in, ch, within.emb_dim, within.dropout, groups)
        self.attention = Attention(ch, groups=groups) if attend else nn.Identity()

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        return self.attention(self.residual(x, emb))  # type: ignore[no-any-return]


def _blocks(level: nn.Module) -> list[_Block]:
    return [block for block in cast(_Level, level).blocks if isinstance(block, _Block)]


def _resized(level: nn.Module, x: Tensor) -> Tensor:
    resized: Tensor = cast(_Level, level).resize(x)
    return resized


def _joined(x: Tensor, skip: Tensor) -> Tensor:
    """Concatenate the channels; x is cropped by a row or column where the skip's size is odd."""
    height, width = skip.shape[-2:]
    return torch.cat([x[..., :height, :width], skip], dim=1)


def _to_depth(x: Tensor, factor: int) -> Tensor:
    return x if factor == 1 else F.pixel_unshuffle(x, factor)


def _to_space(x: Tensor, factor: int) -> Tensor:
    return x if factor == 1 else F.pixel_shuffle(x, factor)
