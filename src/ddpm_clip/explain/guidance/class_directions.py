"""Directions from the mean picture to the mean of each class.

Pictures are painted without words and classified by the judge, so the directions are independent of
the prompt and can be compared with what it does.
"""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.types import Progress

FEWEST = 3.0
"""Pictures of a class, counted by probability, below which its mean is not used."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassDirections:
    """Directions from the mean picture to the mean of each class.

    Attributes:
        counts: (k,) sum of the probabilities of each class over the pictures.
        directions: (k, d) unit vectors; 0 for classes with too few pictures.
    """

    counts: Tensor
    directions: Tensor

    @property
    def known(self) -> Tensor:
        """(k,) bool, whether there were enough pictures."""
        return self.counts >= FEWEST

    def cosines(self, x: Tensor) -> Tensor:
        """Return (b, k) cosines of differences x (b, c, h, w) with each direction, or NaN."""
        found = F.normalize(x.double().cpu().flatten(1), dim=1) @ self.directions.T
        return torch.where(self.known, found, torch.nan)


def class_directions(
    target: AnalysisTarget, n: int, steps: int
) -> Generator[Progress, None, ClassDirections]:
    """Paint n pictures without words, from seeds other than the target's, and classify them.

    Args:
        target: a target with a judge.
        n: number of pictures.
        steps: number of sampling steps.
    """
    seeds = target.more_seeds(n, start=len(target.seeds))
    c = target.conditions(seeds=seeds)
    x = yield from target.pictures(c, seeds, scale=0.0, steps=steps, stage="pictures without words")
    return sorted_by(x.cpu(), target.judge(x).cpu())


def best_other(cosines: Tensor, asked_class: int) -> Tensor:
    """Return (b,) the largest cosine (b, k) with any other class; NaN without another class."""
    others = cosines.clone()
    others[:, asked_class] = torch.nan
    best = others.nan_to_num(-torch.inf).amax(1)
    return torch.where(best.isinf(), torch.nan, best)


def sorted_by(x: Tensor, probs: Tensor) -> ClassDirections:
    """Return the directions for pictures x (n, c, h, w) with class probabilities (n, k)."""
    pixels, weights = x.double().flatten(1), probs.double()
    counts = weights.sum(0)
    means = (weights.T @ pixels) / counts[:, None].clamp(min=1e-9)
    directions = F.normalize(means - pixels.mean(0), dim=1) * (counts >= FEWEST)[:, None]
    return ClassDirections(counts, directions)
