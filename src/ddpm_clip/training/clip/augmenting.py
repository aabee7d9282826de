"""Data augmentation for the mini-CLIP: flip, random crop, rotation, colour jitter, cutout.

The content of a photograph survives all of this; that of a drawing or a digit may not, so nothing
is augmented by default. Every draw takes a generator.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.utils.tensors import in_pixels

CUT, STRETCH, TURN, SHIFT = 0.7, 0.2, math.radians(20), 0.1
"""At full strength: log of the largest zoom; log of the largest change of the aspect ratio;
largest rotation in radians; largest shift beyond the crop, in half pictures."""

CONTRAST, SATURATION, BRIGHTNESS, TINT = 0.4, 0.5, 0.3, 0.08
"""At full strength: logs of the largest factors (contrast, saturation), then the largest offsets
(brightness, tint) in units of [-1, 1]."""

COVER = 0.5
"""Side of the largest cutout square, as a fraction of the picture's side."""


def mirrored(x: Tensor, generator: torch.Generator) -> Tensor:
    """Flip each picture of x (b, c, h, w) horizontally with probability 1/2."""
    turned = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5
    return torch.where(turned, x.flip(3), x)


def augmented(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Augment each picture: crop, rotate, jitter the colours, cover a square.

    The crop follows Szegedy et al. 2015 (section 6), the covered square is cutout (DeVries & Taylor
    2017, section 3.1).

    Args:
        x: (b, c, h, w) pictures in [-1, 1], grey or colour.
        strength: 0 changes nothing, 1 augments up to the constants above.
        generator: random generator of all draws.
    """
    if strength == 0:
        return x
    return _covered(_relit(_cut(x, strength, generator), strength, generator), strength, generator)


def _cut(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Zoom in, rotate, stretch and shift; the picture is reflected at its edges."""
    b, _, h, w = x.shape
    zoom = torch.exp(-CUT * strength * torch.rand(b, generator=generator))
    stretch = torch.exp(STRETCH * strength * _evenly((b,), generator))
    turn = TURN * strength * _evenly((b,), generator)
    cos, sin = zoom * turn.cos(), zoom * turn.sin()
    rows = [torch.stack([stretch * cos, -sin], 1), torch.stack([sin, cos / stretch], 1)]
    room = (1 - zoom + SHIFT * strength)[:, None, None]
    shift = room * _evenly((b, 2, 1), generator)
    maps = in_pixels(torch.cat([torch.stack(rows, 1), shift], 2), h, w)
    grid = F.affine_grid(maps, [b, 1, h, w], False)
    return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def _relit(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Change saturation, contrast, brightness and tint, and clamp to [-1, 1]."""
    one, grey = (len(x), 1, 1, 1), x.mean(1, keepdim=True)
    vivid = torch.exp(SATURATION * strength * _evenly(one, generator))
    contrast = torch.exp(CONTRAST * strength * _evenly(one, generator))
    light = BRIGHTNESS * strength * _evenly(one, generator)
    tint = TINT * strength * _evenly((len(x), x.shape[1], 1, 1), generator)
    return ((grey + vivid * (x - grey)) * contrast + light + tint).clamp(-1, 1)


def _covered(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Cover a random grey part in the picture's shape, its sides uniform in [0, `COVER`]."""
    b, _, h, w = x.shape
    side = COVER * strength * torch.rand(b, 1, 1, generator=generator)
    middle = torch.rand(b, 2, 1, 1, generator=generator)
    down = ((torch.arange(h).view(1, h, 1) + 0.5) / h - middle[:, 0]).abs() < side / 2
    across = ((torch.arange(w).view(1, 1, w) + 0.5) / w - middle[:, 1]).abs() < side / 2
    return torch.where((down & across)[:, None], torch.zeros(()), x)


def _evenly(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw uniform numbers in [-1, 1]."""
    return 2 * torch.rand(shape, generator=generator) - 1
