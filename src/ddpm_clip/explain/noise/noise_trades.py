"""Combine the frequencies of two seeds' noise: whose picture comes out?

The combined noise is still white noise, so the walk is an ordinary one.
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
class CombinedNoise:
    """Pictures from noise that takes low frequencies from one seed and high ones from another.

    Attributes:
        cuts: (m,) cut-off frequencies in waves across the picture, from below 0 (none) to all.
        share: (m, pairs) influence of the seed that gives the low frequencies: 1 is its picture, 0
            that of the other seed, 1/2 is equally far from both.
        x: (m, c, h, w) pictures of the first pair.
    """

    cuts: list[float]
    share: Tensor
    x: Tensor

    @property
    def half(self) -> float | None:
        """The cut-off at which the mean share crosses 1/2, interpolated; None if it does not."""
        mean = self.share.mean(1).tolist()
        for i in range(1, len(mean)):
            if mean[i - 1] < 0.5 <= mean[i]:
                low, high = max(self.cuts[i - 1], 0.0), self.cuts[i]
                return low + (high - low) * (0.5 - mean[i - 1]) / (mean[i] - mean[i - 1])
        return None


def combine_noise(
    target: AnalysisTarget, pairs: int, cuts: list[float], steps: int, sampler: str
) -> Generator[Progress, None, CombinedNoise]:
    """Paint the target's prompt from the combined noise of two seeds.

    Args:
        target: the target.
        pairs: number of pairs of seeds.
        cuts: rising cut-off frequencies; those for none and for all are added.
        steps: number of sampling steps.
        sampler: a deterministic sampler, so that no other noise matters.
    """
    seeds = target.more_seeds(2 * pairs)
    noise = noise_of(seeds, (2 * pairs, *target.image_shape), target.ddpm.device)(-1)
    a, b = noise[:pairs], noise[pairs:]
    every = [-1.0, *cuts, float(sum(target.image_shape[1:]))]
    starts = torch.cat([crossed(a, b, cut) for cut in every])
    # one seed for all pictures of a pair, in case the condition depends on the seed
    own = seeds[pairs:] * len(every)
    c = target.conditions(seeds=own)
    x = yield from target.pictures(
        c, own, x_start=starts, steps=steps, sampler=sampler, stage="noise of two seeds combined"
    )
    x = x.cpu().view(len(every), pairs, *target.image_shape)
    to_low, to_high = (_distances(x, x[end]) for end in (-1, 0))
    share = to_high / (to_low + to_high).clamp(min=1e-12)
    return CombinedNoise(every, share, x[:, 0])


def _distances(x: Tensor, other: Tensor) -> Tensor:
    """Return (m, pairs) squared distances."""
    return (x - other).double().square().flatten(2).sum(2)
