"""Noise of two seeds, crossed at a frequency: whose picture comes out?

The crossed noise is white like any other, so the walk is none the wiser. Knows nothing of judges.
"""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.explain.maths.spectrum import crossed
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.models.ddpm import noise_of
from ddpm_clip.types import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Pairs of seeds; the one gives all frequencies up to a cut, the other the rest.

    Attributes:
        cuts: (m,) in waves across the picture, from below 0 (nothing) to all.
        share: (m, pairs) how near the picture is to that of the giver of the low frequencies:
            1 is its picture, 0 that of the other, 1/2 as far from both.
        x: (m, c, h, w) of the first pair.
    """

    cuts: list[float]
    share: Tensor
    x: Tensor

    @property
    def half(self) -> float | None:
        """The cut at which the mean share crosses 1/2, between the cuts; None where it does not."""
        mean = self.share.mean(1).tolist()
        for i in range(1, len(mean)):
            if mean[i - 1] < 0.5 <= mean[i]:
                low, high = max(self.cuts[i - 1], 0.0), self.cuts[i]
                return low + (high - low) * (0.5 - mean[i - 1]) / (mean[i] - mean[i - 1])
        return None


def traded(
    target: AnalysisTarget, pairs: int, cuts: list[float], steps: int, sampler: str
) -> Generator[Progress, None, Trades]:
    """Walk from crossed noise, with the prompt of the target.

    Args:
        target: walks.
        pairs: of seeds.
        cuts: rising; nothing and everything are added.
        steps: of the walks.
        sampler: a deterministic one, or fresh noise would decide as well.
    """
    seeds = target.more_seeds(2 * pairs)
    noise = noise_of(seeds, (2 * pairs, *target.image_shape), target.ddpm.device)(-1)
    a, b = noise[:pairs], noise[pairs:]
    every = [-1.0, *cuts, float(sum(target.image_shape[1:]))]
    starts = torch.cat([crossed(a, b, cut) for cut in every])
    # the giver of the high frequencies lends its seed, so that a prompt that draws stays the same
    named = seeds[pairs:] * len(every)
    c = target.conditions(seeds=named)
    x = yield from target.pictures(
        c, named, x_start=starts, steps=steps, sampler=sampler, stage="noise crossed"
    )
    x = x.cpu().view(len(every), pairs, *target.image_shape)
    to_low, to_high = (_apart(x, x[end]) for end in (-1, 0))
    share = to_high / (to_low + to_high).clamp(min=1e-12)
    return Trades(every, share, x[:, 0])


def _apart(x: Tensor, other: Tensor) -> Tensor:
    """(m, pairs) squared distances."""
    return (x - other).double().square().flatten(2).sum(2)
