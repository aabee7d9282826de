"""The training pictures of a judge: distorted real ones, and outliers that it must reject."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.utils.tensors import in_pixels

TURN, STRETCH, SHEAR, SHIFT = math.radians(12), 0.12, 0.15, 0.14
"""Largest rotation (radians), change of size, shear, shift in half pictures (2 of 28 pixels)."""

WOBBLE = 0.05
"""Standard deviation of the elastic displacement, in half pictures."""

GRAIN = 0.1
"""Largest standard deviation of the pixel noise."""


def bent(x: Tensor, generator: torch.Generator) -> Tensor:
    """Augment x (b, c, h, w): rotate, stretch, shear, shift, distort elastically, add noise.

    Never flipped, because digits change their meaning. Pixels outside repeat those at the edge.
    """
    b, _, h, w = x.shape
    turn, slant = (limit * _evenly((b,), generator) for limit in (TURN, SHEAR))
    size = 1 + STRETCH * _evenly((b, 2), generator)
    cos, sin = turn.cos(), turn.sin()
    across, down = size.unbind(1)
    rows = [torch.stack([across * cos, slant - sin], 1), torch.stack([sin, down * cos], 1)]
    shift = SHIFT * _evenly((b, 2, 1), generator)
    maps = in_pixels(torch.cat([torch.stack(rows, 1), shift], 2), h, w)
    grid = F.affine_grid(maps, [b, 1, h, w], False)
    knots = WOBBLE * torch.randn(b, 2, 4, 4, generator=generator)
    wobble = F.interpolate(knots, (h, w), mode="bicubic", align_corners=False)
    grid = grid + wobble.permute(0, 2, 3, 1)
    moved = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    grain = GRAIN * torch.rand(b, 1, 1, 1, generator=generator)
    return moved + grain * torch.randn(x.shape, generator=generator)


def nonsense(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return outliers in the shape of x (b, c, h, w): noise, blobs or shuffled tiles.

    The tiles are cut from x, so that they have its strokes and colours but none of its shapes.
    """
    noise = torch.randn(x.shape, generator=generator).clamp(-1, 1)
    kind = torch.randint(3, (len(x), 1, 1, 1), generator=generator)
    made = torch.where(kind == 0, noise, _blobs(x.shape, generator))
    return torch.where(kind == 2, _shuffled(x, generator), made)


def _evenly(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw uniform numbers in [-1, 1]."""
    return 2 * torch.rand(shape, generator=generator) - 1


def _blobs(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Draw smooth clouds of random contrast and brightness."""
    b, c, h, w = shape
    clouds = F.interpolate(torch.randn(b, c, 5, 5, generator=generator), (h, w), mode="bicubic")
    contrast = 2 * torch.rand(b, 1, 1, 1, generator=generator)
    return (contrast * clouds + _evenly((b, c, 1, 1), generator)).clamp(-1, 1)


def _shuffled(x: Tensor, generator: torch.Generator) -> Tensor:
    """Shuffle the sixteen tiles of each picture, all pictures in the same order."""
    h, w = (side // 4 * 4 for side in x.shape[-2:])
    tiles = x[..., :h, :w].unflatten(3, (4, -1)).unflatten(2, (4, -1))  # (b, c, 4, h/4, 4, w/4)
    tiles = tiles.transpose(3, 4).flatten(2, 3)  # (b, c, 16, h/4, w/4)
    order = torch.randperm(16, generator=generator)
    mixed = tiles[:, :, order].unflatten(2, (4, 4)).transpose(3, 4).reshape(*x.shape[:2], h, w)
    return F.pad(mixed, (0, x.shape[3] - w, 0, x.shape[2] - h), mode="replicate")
