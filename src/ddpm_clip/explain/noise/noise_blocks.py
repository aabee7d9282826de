"""A block of one seed's noise set into another's: how far does it reach in the picture?

Noise that has been patched is white like any other, so the walk is none the wiser. Knows nothing of
judges.
"""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.models.ddpm import noise_of
from ddpm_clip.types import Progress

GRID = 3
"""Blocks a side."""


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Pairs of seeds, and what a block of the giver's noise changes in the other's picture.

    Attributes:
        changed: (g g, pairs, g g) squared change of each block of the picture, by the block of the
            noise that was exchanged; row by row.
        x: (g g + 2, c, h, w) of the first pair: the receiver's picture, those with a block of the
            giver's noise, the giver's.
    """

    changed: Tensor
    x: Tensor

    @property
    def stays(self) -> Tensor:
        """(pairs,) share of all change that lies in the block that was exchanged."""
        own = self.changed.diagonal(dim1=0, dim2=2).sum(1)
        return own / self.changed.sum((0, 2)).clamp(min=1e-12)

    @property
    def by_chance(self) -> Tensor:
        """(pairs,) that share if it made no difference to a change whence it comes."""
        total = self.changed.sum((0, 2)).clamp(min=1e-12)
        return (self.changed.sum(2) * self.changed.sum(0).T).sum(0) / total.square()

    @property
    def moves(self) -> Tensor:
        """(g, g) share of all change that each block of the noise brings, mean over pairs."""
        each = self.changed.sum(2)  # (g g, pairs)
        return (each / each.sum(0).clamp(min=1e-12)).mean(1).unflatten(0, (GRID, GRID))


def transplanted(
    target: AnalysisTarget, pairs: int, steps: int, sampler: str
) -> Generator[Progress, None, Blocks]:
    """Walk from noise with one block of another seed's, with the prompt of the target.

    Args:
        target: walks.
        pairs: of seeds.
        steps: of the walks.
        sampler: a deterministic one, or fresh noise would decide as well.
    """
    seeds = target.more_seeds(2 * pairs)
    noise = noise_of(seeds, (2 * pairs, *target.image_shape), target.ddpm.device)(-1)
    giver, receiver = noise[:pairs], noise[pairs:]
    masks = blocks_of(*target.image_shape[1:]).to(noise.device)
    patched = torch.where(masks[:, None, None], giver, receiver)  # (g g, pairs, c, h, w)
    starts = torch.cat([receiver[None], patched, giver[None]])
    named = seeds[pairs:] * len(starts)  # a prompt that draws stays the receiver's
    c = target.conditions(seeds=named)
    x = yield from target.pictures(
        c,
        named,
        x_start=starts.flatten(0, 1),
        steps=steps,
        sampler=sampler,
        stage="noise exchanged",
    )
    x = x.cpu().view(*starts.shape)
    change = (x[1:-1] - x[0]).double().square().sum(2)  # (g g, pairs, h, w)
    return Blocks(torch.einsum("bphw,rhw->bpr", change, masks.cpu().double()), x[:, 0])


def blocks_of(height: int, width: int) -> Tensor:
    """(g g, h, w) bool, the blocks row by row; each pixel lies in just one.

    >>> blocks_of(4, 3).sum((1, 2)).tolist()
    [1, 1, 1, 2, 2, 2, 1, 1, 1]
    """
    rows, columns = _parts(height), _parts(width)
    return (rows[:, None, :, None] & columns[None, :, None, :]).flatten(0, 1)


def _parts(n: int) -> Tensor:
    """(g, n) bool, contiguous and as even as can be."""
    return ((torch.arange(n) + 0.5) * GRID / n).long() == torch.arange(GRID)[:, None]
