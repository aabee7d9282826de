"""A small U-Net whose parts can be swapped one at a time: the network of lessons 01 and 03.

Each switch of `Bricks` is one idea of the course. `Bricks.basic()` is the network that such courses
begin with; `Bricks()` has every idea. It is for comparisons: for results, take `UNet`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ddpm_clip.errors import UsageError
from ddpm_clip.models.layers import ContextEmbedding, TimeEmbedding

CHOICES = {
    "norm": ("group", "batch"),
    "act": ("gelu", "relu"),
    "pool": ("rearrange", "max"),
    "up": ("transpose2", "transpose3", "resize"),
    "time": ("none", "scalar", "course", "sines"),
    "null": ("zero", "learned"),
}
"""The values of each switch that is not on or off."""


@dataclass(frozen=True, slots=True)
class Bricks:
    """Which parts a `BrickUNet` is made of.

    Attributes:
        norm: "group" or "batch" normalisation.
        act: "gelu" or "relu".
        pool: "rearrange" (each 2 x 2 block becomes four channels) or "max".
        up: transposed convolution with kernel 2 or 3, or "resize" (nearest, then convolution).
        time: how the timestep is told: "none", "scalar" (t/T), "course" (sines of t/T) or "sines".
        residual: add a block's input to its output.
        skip: concatenate the encoder's maps on the way up.
        global_skip: concatenate the first map before the last convolution.
        null: a dropped condition is multiplied by "zero", or replaced by a "learned" null.

    Raises:
        UsageError: a switch has a value that does not exist.
    """

    norm: str = "group"
    act: str = "gelu"
    pool: str = "rearrange"
    up: str = "transpose2"
    time: str = "sines"
    residual: bool = True
    skip: bool = True
    global_skip: bool = True
    null: str = "learned"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise UsageError(
                    f"{name} = {getattr(self, name)!r} is not a brick",
                    f"choose from: {', '.join(choices)}",
                    param=name,
                )

    @classmethod
    def basic(cls) -> "Bricks":
        """Return the plain U-Net: BatchNorm, ReLU, max pooling, skips, and no sense of time."""
        return cls("batch", "relu", "max", "transpose2", "none", False, True, False, "zero")


class BrickUNet(nn.Module):
    """A denoiser (`ddpm_clip.types.Denoiser`) with three levels and a choice of parts.

    Args:
        bricks: which parts.
        T: number of timesteps of the noise schedule.
        img_ch: channels of the pictures.
        img_size: side of the pictures in pixels, a multiple of 4.
        chs: channels of the three levels, multiples of 8.
        c_embed_dim: size of the condition; 0 for none.

    Raises:
        UsageError: the size is no multiple of 4.
    """

    def __init__(
        self,
        bricks: Bricks,
        T: int,
        img_ch: int,
        img_size: int,
        chs: Sequence[int] = (32, 64, 64),
        c_embed_dim: int = 0,
    ):
        super().__init__()
        if img_size % 4:
            raise UsageError(f"{img_size} pixels cannot be halved twice", fix="a multiple of 4")
        self.bricks, self.T = bricks, T
        self.image_shape, self.c_embed_dim = (img_ch, img_size, img_size), max(1, c_embed_dim)
        d0, d1, d2 = chs
        self.enter = Block(bricks, img_ch, d0)
        self.down1, self.down2 = Down(bricks, d0, d1), Down(bricks, d1, d2)
        self.middle = Block(bricks, d2, d2)
        self.time2, self.time1 = TimeNote(bricks, T, d2), TimeNote(bricks, T, d1)
        self.context2 = ContextNote(bricks, c_embed_dim, d2) if c_embed_dim else None
        self.context1 = ContextNote(bricks, c_embed_dim, d1) if c_embed_dim else None
        joined = 2 if bricks.skip else 1
        self.up2, self.up1 = Up(bricks, joined * d2, d1), Up(bricks, joined * d1, d0)
        last = 2 * d0 if bricks.global_skip else d0
        self.leave = nn.Sequential(Block(bricks, last, d0), nn.Conv2d(d0, img_ch, 3, padding=1))

    def forward(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        """x_t (b, img_ch, h, w), t (b,), c (b, e), c_mask (b, 1) or (b, e) -> (b, img_ch, h, w)."""
        h0 = self.enter(x_t)  # (b, d0, h, w)
        h1 = self.down1(h0)  # (b, d1, h/2, w/2)
        h2 = self.down2(h1)  # (b, d2, h/4, w/4)
        up = told(self.middle(h2), self.time2(t), self._context(self.context2, c, c_mask))
        up = self.up2(self._joined(up, h2))  # (b, d1, h/2, w/2)
        up = told(up, self.time1(t), self._context(self.context1, c, c_mask))
        up = self.up1(self._joined(up, h1))  # (b, d0, h, w)
        last = torch.cat([up, h0], dim=1) if self.bricks.global_skip else up
        return self.leave(last)  # type: ignore[no-any-return]

    def _joined(self, x: Tensor, skip: Tensor) -> Tensor:
        return torch.cat([x, skip], dim=1) if self.bricks.skip else x

    @staticmethod
    def _context(note: "ContextNote | None", c: Tensor, c_mask: Tensor) -> Tensor | None:
        return None if note is None else note(c, c_mask)


def told(x: Tensor, time: Tensor | None, context: Tensor | None) -> Tensor:
    """Scale x (b, ch, h, w) by 1 + the context, and shift it by the time; both are (b, ch)."""
    x = x if context is None else x * (1 + context[:, :, None, None])
    return x if time is None else x + time[:, :, None, None]


class Block(nn.Module):
    """Two times convolution, norm and activation; with `residual`, the input is added."""

    def __init__(self, bricks: Bricks, ch_in: int, ch: int):
        super().__init__()
        self.first, self.second = conv(bricks, ch_in, ch), conv(bricks, ch, ch)
        plain = nn.Conv2d(ch_in, ch, 1) if ch_in != ch else nn.Identity()
        self.shortcut = plain if bricks.residual else None

    def forward(self, x: Tensor) -> Tensor:
        """(b, ch_in, h, w) -> (b, ch, h, w)."""
        h: Tensor = self.second(self.first(x))
        return h if self.shortcut is None else h + self.shortcut(x)


class Down(nn.Module):
    """Halve the picture, then a block."""

    def __init__(self, bricks: Bricks, ch_in: int, ch: int):
        super().__init__()
        rearranged = bricks.pool == "rearrange"
        self.pool: nn.Module = nn.PixelUnshuffle(2) if rearranged else nn.MaxPool2d(2)
        self.block = Block(bricks, (4 if rearranged else 1) * ch_in, ch)

    def forward(self, x: Tensor) -> Tensor:
        """(b, ch_in, h, w) -> (b, ch, h/2, w/2)."""
        return self.block(self.pool(x))  # type: ignore[no-any-return]


class Up(nn.Module):
    """Double the picture, then a block."""

    def __init__(self, bricks: Bricks, ch_in: int, ch: int):
        super().__init__()
        ways: dict[str, nn.Module] = {
            "transpose2": nn.ConvTranspose2d(ch_in, ch, 2, stride=2),
            "transpose3": nn.ConvTranspose2d(ch_in, ch, 3, stride=2, padding=1, output_padding=1),
            "resize": nn.Sequential(
                nn.Upsample(scale_factor=2), nn.Conv2d(ch_in, ch, 3, padding=1)
            ),
        }
        self.larger, self.block = ways[bricks.up], Block(bricks, ch, ch)

    def forward(self, x: Tensor) -> Tensor:
        """(b, ch_in, h, w) -> (b, ch, 2h, 2w)."""
        return self.block(self.larger(x))  # type: ignore[no-any-return]


class TimeNote(nn.Module):
    """What the network is told of the timestep: t (b,) -> (b, out), or None."""

    def __init__(self, bricks: Bricks, T: int, out: int, dim: int = 32):
        super().__init__()
        self.kind, self.T, self.waves = bricks.time, T, dim // 2
        self.sines = TimeEmbedding(T, dim, out) if self.kind == "sines" else None
        width = {"scalar": 1, "course": dim}.get(self.kind)
        self.mlp = (
            nn.Sequential(nn.Linear(width, out), nn.GELU(), nn.Linear(out, out)) if width else None
        )

    def forward(self, t: Tensor) -> Tensor | None:
        """(b,) -> (b, out)."""
        if self.sines is not None:
            return self.sines(t)  # type: ignore[no-any-return]
        return None if self.mlp is None else self.mlp(self.features(t))

    def features(self, t: Tensor) -> Tensor:
        """Return t/T (b, 1), or sines and cosines of t/T (b, dim), as NVIDIA DLI does."""
        share = t.float()[:, None] / self.T
        if self.kind == "scalar":
            return share
        angles = share * torch.logspace(0.0, -4.0, self.waves)
        return torch.cat([angles.sin(), angles.cos()], dim=1)


class ContextNote(nn.Module):
    """What the network is told of the condition: (b, e) -> (b, out).

    "zero" multiplies the condition by its mask, so a mask of single numbers works as well, and a
    dropped condition is the same as zeros. "learned" has a null of its own.
    """

    def __init__(self, bricks: Bricks, e: int, out: int):
        super().__init__()
        self.learned = ContextEmbedding(e, out) if bricks.null == "learned" else None
        plain = nn.Sequential(nn.Linear(e, out), nn.GELU(), nn.Linear(out, out))
        self.plain = plain if self.learned is None else None

    def forward(self, c: Tensor, c_mask: Tensor) -> Tensor:
        """c (b, e), c_mask (b, 1) or (b, e) -> (b, out)."""
        if self.learned is not None:
            return self.learned(c, c_mask[:, :1])  # type: ignore[no-any-return]
        assert self.plain is not None
        return self.plain(c * c_mask)  # type: ignore[no-any-return]


def conv(bricks: Bricks, ch_in: int, ch: int) -> nn.Sequential:
    """Return convolution, norm and activation."""
    norm: nn.Module = nn.BatchNorm2d(ch) if bricks.norm == "batch" else nn.GroupNorm(groups(ch), ch)
    act: nn.Module = nn.GELU() if bricks.act == "gelu" else nn.ReLU()
    return nn.Sequential(nn.Conv2d(ch_in, ch, 3, padding=1), norm, act)


def groups(ch: int, most: int = 8) -> int:
    """Return the largest number of equal groups of `ch` channels, at most `most`."""
    return max(g for g in range(1, min(ch, most) + 1) if ch % g == 0)
