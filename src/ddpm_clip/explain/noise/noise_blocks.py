"""Replace a block of one seed's noise by another's: where does the picture change?

The patched noise is still white noise, so the walk is an ordinary one.
"""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.models.ddpm import noise_of
from ddpm_clip.types import Progress

GRID = 3
"""Blocks per side."""


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """What each block of the noise changes in the picture, for pairs of seeds.

    Attributes:
        changed: (g g, pairs, g g) squared change in each block of the picture (last), by the block
            of the noise that was replaced (first); blocks are numbered row by row.
        x: (g g + 2, c, h, w) pictures of the first pair: with no block, each single block, and all
            of the noise replaced.
    """

    changed: Tensor
    x: Tensor

    @property
    def stays(self) -> Tensor:
        """(pairs,) share of all change that lies in the replaced block."""
        own = self.changed.diagonal(dim1=0, dim2=2).sum(1)
        return own / self.changed.sum((0, 2)).clamp(min=1e-12)

    @property
    def by_chance(self) -> Tensor:
        """(pairs,) that share if the place of the replaced block made no difference."""
        total = self.changed.sum((0, 2)).clamp(min=1e-12)
        return (self.changed.sum(2) * self.changed.sum(0).T).sum(0) / total.square()

    @property
    def moves(self) -> Tensor:
        """(g, g) share of all change that each block of the noise causes, mean over pairs."""
        each = self.changed.sum(2)  # (g g, pairs)
        return (each / each.sum(0).clamp(min=1e-12)).mean(1).unflatten(0, (GRID, GRID))


def exchange_blocks(
    target: AnalysisTarget, pairs: int, steps: int, sampler: str
) -> Generator[Progress, None, Blocks]:
    """Paint the target's prompt from noise with one block replaced by another seed's.

    Args:
        target: the target.
        pairs: number of pairs of seeds.
        steps: number of sampling steps.
        sampler: a deterministic sampler, so that no other noise matters.
    """
    seeds = target.more_seeds(2 * pairs)
    noise = noise_of(seeds, (2 * pairs, *target.image_shape), target.ddpm.device)(-1)
    giver, receiver = noise[:pairs], noise[pairs:]
    masks = blocks_of(*target.image_shape[1:]).to(noise.device)
    patched = torch.where(masks[:, None, None], giver, receiver)  # (g g, pairs, c, h, w)
    starts = torch.cat([receiver[None], patched, giver[None]])
    own = seeds[pairs:] * len(starts)  # keep the receiver's condition if it depends on the seed
    c = target.conditions(seeds=own)
    x = yield from target.pictures(
        c,
        own,
        x_start=starts.flatten(0, 1),
        steps=steps,
        sampler=sampler,
        stage="noise replaced by blocks",
    )
    x = x.cpu().view(*starts.shape)
    change = (x[1:-1] - x[0]).double().square().sum(2)  # (g g, pairs, h, w)
    return Blocks(torch.einsum("bphw,rhw->bpr", change, masks.cpu().double()), x[:, 0])


def blocks_of(height: int, width: int) -> Tensor:
    """Return (g g, h, w) bool masks of the blocks, row by row; each pixel is in exactly one.

    >>> blocks_of(4, 3).sum((1, 2)).tolist()
    [1, 1, 1, 2, 2, 2, 1, 1, 1]
    """
    rows, columns = _parts(height), _parts(width)
    return (rows[:, None, :, None] & columns[None, :, None, :]).flatten(0, 1)


def _parts(n: int) -> Tensor:
    """Return (g, n) bool masks of contiguous parts of n, as even as possible."""
    return ((torch.arange(n) + 0.5) * GRID / n).long() == torch.arange(GRID)[:, None]
