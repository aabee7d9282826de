"""Random views of pictures: shifted, turned, zoomed, a little noisy; differentiable.

A loss that is low for one exact arrangement of pixels is easily fooled; one that is low for
every view of a picture is less so. Each picture draws from a generator of its own, so that what
else is in the batch does not matter. Knows nothing of what looks at the views.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Views:
    """How far views differ from their picture.

    Attributes:
        k: views a picture.
        shift: largest shift, as a share of the side.
        zoom: (least, largest) enlargement.
        turn: largest rotation in radians.
        noise: largest standard deviation of the noise.
    """

    k: int = 8
    shift: float = 0.1
    zoom: tuple[float, float] = (0.9, 1.15)
    turn: float = 0.15
    noise: float = 0.1

    def of(self, x: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """(b k, c, h, w), picture by picture, of x (b, c, h, w); one generator a picture.

        Beyond the edge lies what is on the edge.
        """
        drawn = torch.stack([torch.rand(self.k, 5, generator=g) for g in generators])
        speckle = torch.stack([torch.randn(self.k, *x.shape[1:], generator=g) for g in generators])
        drawn, speckle = drawn.flatten(0, 1).to(x), speckle.flatten(0, 1).to(x)
        grids = F.affine_grid(self._maps(drawn), [len(drawn), *x.shape[1:]], align_corners=False)
        seen = F.grid_sample(
            x.repeat_interleave(self.k, 0), grids, padding_mode="border", align_corners=False
        )
        return seen + self.noise * drawn[:, 4].view(-1, 1, 1, 1) * speckle

    def _maps(self, drawn: Tensor) -> Tensor:
        """(n, 2, 3) affine maps from drawn (n, 5) in [0, 1): shift, shift, zoom, turn, noise."""
        low, high = self.zoom
        scale = 1 / (low + (high - low) * drawn[:, 2])
        angle = self.turn * (2 * drawn[:, 3] - 1)
        cos, sin = scale * angle.cos(), scale * angle.sin()
        right, down = (2 * self.shift * (2 * drawn[:, i] - 1) for i in (0, 1))  # side = 2
        return torch.stack(
            [torch.stack([cos, -sin, right], 1), torch.stack([sin, cos, down], 1)], 1
        )
