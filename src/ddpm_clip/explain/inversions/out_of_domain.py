"""Pictures that the model would not paint, told by the noise that they would come from.

A picture of the model's own comes from noise as long as noise is, or shorter where nothing is
drawn; one that it would not paint lies far out, and so does its noise. Knows nothing of judges.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.explain.inversions.ddim_inversion import invert
from ddpm_clip.explain.target.analysis_target import AnalysisTarget

TILES = 4
"""A side, into which a picture is cut and put together otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Strangers:
    """Own pictures, and the same in shuffled tiles.

    Attributes:
        x: (n, c, h, w) the shuffled ones.
        own: (n,) root mean square of the noise that the pictures would come from.
        strange: (n,) of the shuffled ones.
    """

    x: Tensor
    own: Tensor
    strange: Tensor

    @property
    def told(self) -> float:
        """Share of pairs in which the stranger's noise is the longer (area under the ROC curve)."""
        longer = (self.strange[:, None] > self.own).double()
        return float((longer + 0.5 * (self.strange[:, None] == self.own)).mean())


def strangers(
    target: AnalysisTarget, seeds: list[int], x: Tensor, noise: Tensor, steps: int
) -> Strangers:
    """Walk pictures in shuffled tiles up to their noise, at scale 1 as the pictures were.

    Args:
        target: walks.
        seeds: one a picture.
        x: (n, c, h, w) its pictures.
        noise: (n, c, h, w) that they would come from, found in as many steps.
        steps: of the walk.
    """
    other = shuffled(x)
    predict = target.predict(target.conditions(seeds=seeds), scale=1.0, seeds=seeds)
    found = invert(predict, target.schedule, target.timesteps(steps), other)
    return Strangers(other, _length(noise), _length(found))


def shuffled(x: Tensor, seed: int = 0) -> Tensor:
    """Pictures (n, c, h, w) of which the tiles lie elsewhere, each picture's in its own order.

    What a side has beyond a multiple of four pixels stays where it is.
    """
    n, c, h, w = x.shape
    th, tw = h // TILES, w // TILES
    inner = x[..., : th * TILES, : tw * TILES]
    tiles = inner.reshape(n, c, TILES, th, TILES, tw).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    generator = torch.Generator().manual_seed(seed)
    order = torch.stack([torch.randperm(TILES**2, generator=generator) for _ in range(n)])
    moved = torch.stack([one[at] for one, at in zip(tiles, order.to(x.device), strict=True)])
    moved = moved.unflatten(1, (TILES, TILES)).permute(0, 3, 1, 4, 2, 5)
    found = x.clone()
    found[..., : th * TILES, : tw * TILES] = moved.reshape(inner.shape)
    return found


def _length(noise: Tensor) -> Tensor:
    return noise.double().flatten(1).square().mean(1).sqrt().cpu()
