"""Where each class lies among the pictures of a model: means of pictures that nobody asked for.

Pictures are painted without words and sorted by the judge, so the directions owe nothing to any
prompt and can be held against what a prompt does. Knows nothing of guidance fields.
"""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.types import Progress

FEWEST = 3.0
"""Pictures of a class, counted by their probabilities, below which its mean says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassDirections:
    """From the mean picture to the mean of each class.

    Attributes:
        counts: (k,) pictures of each class, by probability.
        directions: (k, d) of unit length; 0 where there were too few.
    """

    counts: Tensor
    directions: Tensor

    @property
    def known(self) -> Tensor:
        """(k,) bool: were there enough pictures?"""
        return self.counts >= FEWEST

    def cosines(self, x: Tensor) -> Tensor:
        """(b, k) of pictures' differences x (b, c, h, w) with each direction; nan where unknown."""
        found = F.normalize(x.double().cpu().flatten(1), dim=1) @ self.directions.T
        return torch.where(self.known, found, torch.nan)


def class_directions(
    target: AnalysisTarget, n: int, steps: int
) -> Generator[Progress, None, ClassDirections]:
    """Paint n pictures without words, by seeds that are not the target's, and sort them.

    Args:
        target: somebody must judge its pictures.
        n: pictures.
        steps: of the walks.
    """
    seeds = target.more_seeds(n, start=len(target.seeds))
    c = target.conditions(seeds=seeds)
    x = yield from target.pictures(c, seeds, scale=0.0, steps=steps, stage="wordless pictures")
    return sorted_by(x.cpu(), target.judge(x).cpu())


def best_other(cosines: Tensor, asked_class: int) -> Tensor:
    """(b,) the largest of cosines (b, k) but the requested one's; nan without another class."""
    others = cosines.clone()
    others[:, asked_class] = torch.nan
    best = others.nan_to_num(-torch.inf).amax(1)
    return torch.where(best.isinf(), torch.nan, best)


def sorted_by(x: Tensor, probs: Tensor) -> ClassDirections:
    """Directions of pictures x (n, c, h, w) with class probabilities (n, k)."""
    pixels, weights = x.double().flatten(1), probs.double()
    counts = weights.sum(0)
    means = (weights.T @ pixels) / counts[:, None].clamp(min=1e-9)
    directions = F.normalize(means - pixels.mean(0), dim=1) * (counts >= FEWEST)[:, None]
    return ClassDirections(counts, directions)
