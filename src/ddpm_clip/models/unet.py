"""The U-Net that ships: residual blocks, FiLM, attention where the map is small, skips.

Everything is convolutional, so the same weights run at every size that the stem divides; an odd map
is halved upwards, and cropped again where it meets its skip. Knows nothing of noise schedules (only
how many rows there are), embedders or sampling.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.errors import UsageError
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


class UNet(nn.Module):
    """A denoiser (`ddpm_clip.types.Denoiser`).

    Args:
        T: rows of the schedule.
        img_ch: channels of the picture.
        img_size: side of the training pictures; a multiple of the stem.
        down_chs: channels of each level, multiples of `norm_groups`.
        t_embed_dim: features of the time embedding, even.
        c_embed_dim: size of the condition.
        blocks: residual blocks a level, each with its skip.
        stem: 1, or a space-to-depth factor in front of the first level, which then works on
            a map that many times smaller: cheaper convolutions at nearly the same quality.
        attention: levels whose map is at most this wide get attention behind their last block,
            as does the middle; 0 for none.
        dropout: inside the residual blocks.
        norm_groups: groups of every GroupNorm; None for groups of 16 channels.

    Raises:
        UsageError: sizes or channels that do not divide.
    """

    def __init__(
        self,
        T: int,
        img_ch: int,
        img_size: int,
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
        self.T, self.image_shape = T, (img_ch, img_size, img_size)
        self.c_embed_dim, self.stem = c_embed_dim, stem
        self._check_size(img_size, img_size)
        k = 4 * down_chs[0]
        within = _Within(k, dropout, norm_groups)
        self.time = TimeEmbedding(T, t_embed_dim, k)
        self.context = ContextEmbedding(c_embed_dim, k)
        self.enter = nn.Conv2d(img_ch * stem**2, down_chs[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        width, ch = img_size // stem, down_chs[0]
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
        self._check_size(*x_t.shape[-2:])
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

    def _check_size(self, height: int, width: int) -> None:
        if height % self.stem or width % self.stem:
            raise UsageError(
                f"a picture of {height} x {width} does not fit this U-Net",
                f"its stem folds {self.stem} x {self.stem} pixels into one",
                f"choose a multiple of {self.stem}, or another model.stem",
                param="data.image_size",
            )


@dataclass(frozen=True, slots=True)
class _Within:
    """What all residual blocks have in common."""

    note_dim: int
    dropout: float
    norm_groups: int | None


class _Level(nn.Module):
    """The residual blocks of one resolution, and the way to the next."""

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
    """A residual block, with or without attention behind it."""

    def __init__(self, ch_in: int, ch: int, attend: bool, within: _Within):
        super().__init__()
        groups = within.norm_groups
        self.residual = ResidualBlock(ch_in, ch, within.note_dim, within.dropout, groups)
        self.attention = Attention(ch, groups=groups) if attend else nn.Identity()

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        return self.attention(self.residual(x, emb))  # type: ignore[no-any-return]


def _blocks(level: nn.Module) -> list[_Block]:
    return [block for block in cast(_Level, level).blocks if isinstance(block, _Block)]


def _resized(level: nn.Module, x: Tensor) -> Tensor:
    resized: Tensor = cast(_Level, level).resize(x)
    return resized


def _joined(x: Tensor, skip: Tensor) -> Tensor:
    """Channels of both; x is one row or column larger where the skip's map is odd."""
    height, width = skip.shape[-2:]
    return torch.cat([x[..., :height, :width], skip], dim=1)


def _to_depth(x: Tensor, factor: int) -> Tensor:
    return x if factor == 1 else F.pixel_unshuffle(x, factor)


def _to_space(x: Tensor, factor: int) -> Tensor:
    return x if factor == 1 else F.pixel_shuffle(x, factor)
