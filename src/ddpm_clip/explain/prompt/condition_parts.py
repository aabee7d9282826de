"""Split a condition into the average picture, the modality gap, class directions, and the rest.

The displacement from the average picture's condition to a prompt's is split into parts that sum to
it. The coordinates in which the embedder's pictures and texts differ most are a part of their own:
a bridge moves all texts alike there, so what comes through them is not the meaning of the prompt.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.explain.target.analysis_target import AnalysisTarget

GAP_COORDINATES = 2
"""In CLIP ViT-B/32, two of 512 coordinates carry most of the gap between pictures and texts."""

MOST_CLASSES = 10
"""Class directions that are used, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class ConditionParts:
    """Displacements that sum to c - c0.

    Attributes:
        names: names of the parts: classes, "gap coordinates" if there is a gap, "the rest".
        parts: (p, n, e) displacements.
        gap: the coordinates of the gap, largest first; empty if the gap is not known.
    """

    names: list[str]
    parts: Tensor
    gap: list[int]


def average_condition(target: AnalysisTarget, c: Tensor) -> Tensor:
    """Return (n, e) the condition of the average picture, with the condition-noise levels of c.

    That level is the last coordinate of a condition, unless the conditioner is in "raw" mode.
    """
    conditioner = target.conditioner
    if conditioner is None:
        return torch.zeros_like(c)
    if conditioner.mode == "raw":
        return conditioner.mean_image.to(c).expand_as(c).clone()
    start = torch.zeros_like(c)
    start[:, -1] = c[:, -1]
    return start


def gap_coordinates(target: AnalysisTarget) -> list[int]:
    """Return the coordinates in which the means of pictures and texts differ most, or []."""
    if target.conditioner is None:
        return []
    apart = (target.conditioner.mean_image - target.conditioner.mean_text).abs()
    return apart.topk(min(GAP_COORDINATES, len(apart))).indices.tolist()


def parts_of(target: AnalysisTarget, c: Tensor, start: Tensor, seeds: list[int]) -> ConditionParts:
    """Split c - start into the gap, the directions of classes by least squares, and the rest.

    If there are many classes, the ten whose conditions are most similar to this one are used.

    Args:
        target: the target, whose class names are used as prompts.
        c: (n, e) conditions of the prompt, one per seed.
        start: (n, e) conditions of the average picture.
        seeds: n random seeds.
    """
    way, gap = c - start, gap_coordinates(target)
    inside = torch.ones(way.shape[1], dtype=torch.bool, device=c.device)
    inside[gap] = False
    meant = way * inside
    axes = torch.stack(
        [
            (target.conditions(name, seeds).to(c) - start).mean(0) * inside
            for name in target.class_words
        ]
    )  # (k, e)
    near = F.cosine_similarity(axes, meant.mean(0)[None], dim=1).nan_to_num(-1.0)
    chosen = near.topk(min(MOST_CLASSES, len(axes))).indices.sort().values
    axes = axes[chosen].double()
    weights = meant.double() @ torch.linalg.pinv(axes, rtol=1e-3)  # (n, k)
    each = (weights.T[:, :, None] * axes[:, None, :]).to(c)  # (k, n, e)
    parts, names = [*each], [target.class_words[i] for i in chosen.tolist()]
    if gap:
        parts, names = [*parts, way - meant], [*names, "gap coordinates"]
    parts, names = [*parts, meant - each.sum(0)], [*names, "the rest"]
    return ConditionParts(names, torch.stack(parts), gap)
