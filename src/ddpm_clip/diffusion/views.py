"""Differentiable random augmentations of pictures: shift, rotation, zoom, noise.

Gradient guidance averages its loss over several such views, because a loss on a single view is
easily fooled by adversarial pixel patterns. Each picture has its own generator, so its views do
not depend on the rest of the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.utils.tensors import in_pixels


@dataclass(frozen=True, slots=True)
class Views:
    """Strength of the augmentations.

    Attributes:
        k: number of views per picture.
        shift: largest shift, as a fraction of the side.
        zoom: (smallest, largest) magnification.
        turn: largest rotation, in radians.
        noise: largest standard deviation of the added noise.
    """

    k: int = 8
    shift: float = 0.1
    zoom: tuple[float, float] = (0.9, 1.15)
    turn: float = 0.15
    noise: float = 0.1

    def of(self, x: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Return the views (b k, c, h, w) of x (b, c, h, w), k consecutive ones per picture.

        Pixels outside the picture repeat those at its edge.

        Args:
            x: (b, c, h, w) pictures.
            generators: one random generator per picture.
        """
        drawn = torch.stack([torch.rand(self.k, 5, generator=g) for g in generators])
        speckle = torch.stack([torch.randn(self.k, *x.shape[1:], generator=g) for g in generators])
        drawn, speckle = drawn.flatten(0, 1).to(x), speckle.flatten(0, 1).to(x)
        maps = in_pixels(self._maps(drawn), *x.shape[2:])
        grids = F.affine_grid(maps, [len(drawn), *x.shape[1:]], align_corners=False)
        seen = F.grid_sample(
            x.repeat_interleave(self.k, 0), grids, padding_mode="border", align_corners=False
        )
        return seen + self.noise * drawn[:, 4].view(-1, 1, 1, 1) * speckle

    def _maps(self, drawn: Tensor) -> Tensor:
        """Return affine maps (n, 2, 3) for `drawn` (n, 5) in [0, 1): x, y, zoom, turn, noise."""
        low, high = self.zoom
        scale = 1 / (low + (high - low) * drawn[:, 2])
        angle = self.turn * (2 * drawn[:, 3] - 1)
        cos, sin = scale * angle.cos(), scale * angle.sin()
        right, down = (2 * self.shift * (2 * drawn[:, i] - 1) for i in (0, 1))  # the side is 2
        return torch.stack(
            [torch.stack([cos, -sin, right], 1), torch.stack([sin, cos, down], 1)], 1
        )
