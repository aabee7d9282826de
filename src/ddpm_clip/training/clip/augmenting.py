"""Few pictures made to seem more: mirrored, cut out, turned, recoloured and partly covered.

What a photograph shows survives all of this; what a drawing or a digit shows may not, so nothing of
it is done unasked. Every draw takes a generator. Knows nothing of networks, labels or configs.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

CUT, STRETCH, TURN, SHIFT = 0.7, 0.2, math.radians(20), 0.1
"""At full strength: log of the largest zoom; log of the largest change of width against height;
largest turn (radians); largest shift beyond the cut, in half pictures."""

CONTRAST, SATURATION, BRIGHTNESS, TINT = 0.4, 0.5, 0.3, 0.08
"""At full strength: logs of the largest factors, then largest offsets in [-1, 1]."""

COVER = 0.5
"""Side of the largest covered square, as a share of the picture's."""


def mirrored(x: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture of x (b, c, h, w) as it is or left for right, by lot."""
    turned = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5
    return torch.where(turned, x.flip(3), x)


def augmented(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Each picture of x (b, c, h, w) in [-1, 1] as another picture of the same thing.

    A random cut-out of it (Szegedy et al. 2015, section 6), turned and stretched a little, in
    other light and colours, a square of it covered (DeVries & Taylor 2017, section 3.1).

    Args:
        x: pictures, grey or colour.
        strength: 0 changes nothing, 1 as far as the constants above say.
        generator: of all draws.
    """
    if strength == 0:
        return x
    return _covered(_relit(_cut(x, strength, generator), strength, generator), strength, generator)


def _cut(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Zoomed in, turned, stretched and shifted; beyond the edge the picture is reflected."""
    b, _, h, w = x.shape
    zoom = torch.exp(-CUT * strength * torch.rand(b, generator=generator))
    stretch = torch.exp(STRETCH * strength * _evenly((b,), generator))
    turn = TURN * strength * _evenly((b,), generator)
    cos, sin = zoom * turn.cos(), zoom * turn.sin()
    rows = [torch.stack([stretch * cos, -sin], 1), torch.stack([sin, cos / stretch], 1)]
    room = (1 - zoom + SHIFT * strength)[:, None, None]
    shift = room * _evenly((b, 2, 1), generator)
    grid = F.affine_grid(torch.cat([torch.stack(rows, 1), shift], 2), [b, 1, h, w], False)
    return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def _relit(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Other saturation, contrast, brightness and tint, within [-1, 1]."""
    one, grey = (len(x), 1, 1, 1), x.mean(1, keepdim=True)
    vivid = torch.exp(SATURATION * strength * _evenly(one, generator))
    contrast = torch.exp(CONTRAST * strength * _evenly(one, generator))
    light = BRIGHTNESS * strength * _evenly(one, generator)
    tint = TINT * strength * _evenly((len(x), x.shape[1], 1, 1), generator)
    return ((grey + vivid * (x - grey)) * contrast + light + tint).clamp(-1, 1)


def _covered(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """A grey square somewhere, its side even in 0 … `COVER` of the picture's."""
    b, _, h, w = x.shape
    side = COVER * strength * torch.rand(b, 1, 1, generator=generator)
    middle = torch.rand(b, 2, 1, 1, generator=generator)
    down = ((torch.arange(h).view(1, h, 1) + 0.5) / h - middle[:, 0]).abs() < side / 2
    across = ((torch.arange(w).view(1, 1, w) + 0.5) / w - middle[:, 1]).abs() < side / 2
    return torch.where((down & across)[:, None], torch.zeros(()), x)


def _evenly(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Uniform in [-1, 1]."""
    return 2 * torch.rand(shape, generator=generator) - 1
