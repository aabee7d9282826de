"""Pictures that the model would not paint, recognised by the noise they would come from.

A picture that the model painted comes from noise of ordinary length, or shorter where the picture
is empty. A picture that it would not paint is an outlier, and so its noise is one as well.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.explain.inversions.ddim_inversion import invert
from ddpm_clip.explain.target.analysis_target import AnalysisTarget

TILES = 4
"""Tiles per side that a picture is cut into and shuffled."""


@dataclass(frozen=True, slots=True, eq=False)
class OutOfDomain:
    """The noise of a model's own pictures and of the same pictures with shuffled tiles.

    Attributes:
        x: (n, c, h, w) the pictures with shuffled tiles.
        own: (n,) rms of the noise of the own pictures.
        foreign: (n,) rms of the noise of the shuffled pictures.
    """

    x: Tensor
    own: Tensor
    foreign: Tensor

    @property
    def distinguished(self) -> float:
        """Share of pairs in which the shuffled picture has the longer noise (ROC area)."""
        longer = (self.foreign[:, None] > self.own).double()
        return float((longer + 0.5 * (self.foreign[:, None] == self.own)).mean())


def compare_shuffled(
    target: AnalysisTarget, seeds: list[int], x: Tensor, noise: Tensor, steps: int
) -> OutOfDomain:
    """Invert pictures with shuffled tiles to their noise, at scale 1 as the pictures were.

    Args:
        target: the target that painted the pictures.
        seeds: random seeds, one per picture.
        x: (n, c, h, w) its pictures.
        noise: (n, c, h, w) their noise, found with the same number of steps.
        steps: number of steps of the inversion.
    """
    other = shuffled(x)
    predict = target.predict(target.conditions(seeds=seeds), scale=1.0, seeds=seeds)
    found = invert(predict, target.schedule, target.timesteps(steps), other)
    return OutOfDomain(other, _length(noise), _length(found))


def shuffled(x: Tensor, seed: int = 0) -> Tensor:
    """Shuffle the tiles of pictures (n, c, h, w), each picture in its own order.

    Pixels beyond a multiple of `TILES` pixels stay where they are.
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
