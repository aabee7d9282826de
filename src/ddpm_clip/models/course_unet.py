"""The U-Net of the course behind the earlier projects, block for block, and two variants of it.

Its dense bottleneck ties it to one picture size, its condition reaches only the decoder and its
time embedding sees t/T: limitations that the course discusses. Prefer `UNet` for anything but
teaching. Parameter counts are exact: (1, 28, (64, 64, 128), 8, 10) has 2,547,457,
(3, 32, (256, 256, 512), 8, 512) has 44,900,355. The variants load weights of the course's
notebooks (`dli_unet`) and of the project that followed them (`xnoise_unet`, 44,835,587).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.errors import UsageError
from ddpm_clip.models.layers import group_norm
from ddpm_clip.models.sizes import check_multiple
from ddpm_clip.utils.resizing import AnySize, Size

GROUPS = 8
"""Groups of every GroupNorm, as in the course."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What differs between the networks of the course's family.

    Attributes:
        dense: (latent size, hidden size) -> the dense bottleneck.
        groups: groups of the inner GroupNorms; the first blocks and the last always use `GROUPS`.
        joins: what is added to the output of the second block: "nothing", "first" (the output of
            the first block) or "picture" (a 1x1 convolution of the input).
        act: class of the last activation.
    """

    dense: Callable[[int, int], nn.Sequential]
    groups: int
    joins: str
    act: type[nn.Module]


class CourseUNet(nn.Module):
    """A denoiser (`ddpm_clip.types.Denoiser`) with the layout of the course.

    Arguments as for `UNet`, with exactly three levels in `down_chs`; `variant` chooses a network
    of the family, by default the course's own. A dropped condition becomes c = 0, as in the course.
    """

    def __init__(
        self,
        T: int,
        img_ch: int,
        img_size: AnySize,
        down_chs: Sequence[int] = (64, 64, 128),
        t_embed_dim: int = 8,
        c_embed_dim: int = 10,
        *,
        variant: "Variant | None" = None,
    ):
        super().__init__()
        if len(down_chs) != 3:
            raise UsageError(
                f"the course network needs exactly three levels, not {len(down_chs)}",
                fix="choose model.arch=unet",
                param="model.arch",
            )
        size = check_multiple(
            Size.of(img_size), 4, "the course network halves them twice", "model.arch=unet"
        )
        self.T, self.image_shape, self.c_embed_dim = T, (img_ch, *size), c_embed_dim
        d0, d1, d2 = down_chs
        self.latent = (d2, size.height // 4, size.width // 4)
        self.variant = variant or COURSE
        self.t_embed_dim, groups = t_embed_dim, self.variant.groups
        if any(ch % groups for ch in down_chs):  # only in tests: trained weights always divide
            groups = GROUPS
        self.enter = nn.Sequential(_conv(img_ch, d0, GROUPS), _conv(d0, d0, GROUPS))
        by_input = self.variant.joins == "picture"
        self.shortcut = nn.Conv2d(img_ch, d0, 1) if by_input else nn.Identity()
        self.down1, self.down2 = _down(d0, d1, groups), _down(d1, d2, groups)
        self.bottleneck = self.variant.dense(math.prod(self.latent), d1)
        self.time1, self.time2 = _embed(t_embed_dim, d2), _embed(t_embed_dim, d1)
        self.context1, self.context2 = _embed(c_embed_dim, d2), _embed(c_embed_dim, d1)
        self.up0 = _conv(d2, d2, groups)
        self.up1, self.up2 = _up(d2, d1, groups), _up(d1, d0, groups)
        self.leave = nn.Sequential(
            nn.Conv2d(2 * d0, d0, 3, padding=1),
            group_norm(d0, GROUPS),
            self.variant.act(),
            nn.Conv2d(d0, img_ch, 3, padding=1),
        )

    def forward(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        """x_t (b, img_ch, h, w), t (b,), c (b, e), c_mask (b, 1) -> (b, img_ch, h, w)."""
        if x_t.shape[1:] != self.image_shape:
            raise UsageError(
                "the course network works at one picture size: it takes "
                f"{self.image_shape}, not {tuple(x_t.shape[1:])}"
            )
        h0 = self._entered(x_t)  # (b, d0, h, w)
        h1 = self.down1(h0)  # (b, d1, h/2, w/2)
        h2 = self.down2(h1)  # (b, d2, h/4, w/4)
        latent = self.bottleneck(h2.flatten(1)).unflatten(1, self.latent)
        features, c = self.features(t), c * c_mask
        up = self.up0(latent)
        for block, time, context, skip in (
            (self.up1, self.time1, self.context1, h2),
            (self.up2, self.time2, self.context2, h1),
        ):
            mixed = context(c)[:, :, None, None] * up + time(features)[:, :, None, None]
            up = block(torch.cat([mixed, skip], dim=1))
        return self.leave(torch.cat([up, h0], dim=1))  # type: ignore[no-any-return]

    def _entered(self, x_t: Tensor) -> Tensor:
        first = self.enter[0](x_t)
        second: Tensor = self.enter[1](first)
        if self.variant.joins == "nothing":
            return second
        other: Tensor = first if self.variant.joins == "first" else self.shortcut(x_t)
        return second + other

    def features(self, t: Tensor) -> Tensor:
        """Return sines and cosines of t/T (b, t_embed_dim), as in the course."""
        half = self.t_embed_dim // 2
        rates = (
            torch.logspace(0, -4, half, device=t.device)
            if half > 1
            else torch.ones(1, device=t.device)
        )
        angles = t.float()[:, None] / self.T * rates
        return torch.cat([angles.sin(), angles.cos()], dim=1)


def _conv(ch_in: int, ch: int, groups: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(ch_in, ch, 3, padding=1), group_norm(ch, groups), nn.GELU())


class _Rearrange(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(x, 2)


def _down(ch_in: int, ch: int, groups: int) -> nn.Sequential:
    blocks = _conv(ch_in, ch, groups), _conv(ch, ch, groups)
    return nn.Sequential(*blocks, _Rearrange(), _conv(4 * ch, ch, groups))


def _up(ch_in: int, ch: int, groups: int) -> nn.Sequential:
    blocks = (_conv(ch, ch, groups) for _ in range(4))
    return nn.Sequential(nn.ConvTranspose2d(2 * ch_in, ch, 2, stride=2), *blocks)


def _embed(dim: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, out), nn.GELU(), nn.Linear(out, out))


def _course_dense(n: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, n)
    )


def _dli_dense(n: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(
        nn.GELU(),
        nn.Linear(n, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, n),
        nn.ReLU(),
    )


def _xnoise_dense(n: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n, hidden), nn.GELU(), nn.Linear(hidden, n), nn.GELU())


COURSE = Variant(_course_dense, GROUPS, "nothing", nn.ReLU)
dli_unet = partial(CourseUNet, variant=Variant(_dli_dense, 32, "first", nn.ReLU))
"""The network of the course's notebooks and of the first version of xNoise."""

xnoise_unet = partial(CourseUNet, variant=Variant(_xnoise_dense, 32, "picture", nn.GELU))
"""The network of later versions of xNoise."""
