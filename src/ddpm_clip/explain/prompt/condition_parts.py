"""What a condition is made of: the average picture, the gap, directions of classes, and the rest.

The displacement from the average picture's condition to a prompt's is split into parts that sum
to it. The coordinates in which pictures and words of the embedder lie furthest apart stand alone:
a bridge moves all texts there alike, so what comes through them is no meaning of the prompt.
Knows nothing of gradients.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.explain.target.analysis_target import AnalysisTarget

GAP_COORDINATES = 2
"""Of CLIP ViT-B/32 two coordinates of 512 carry most of the gap between pictures and words."""

MOST_CLASSES = 10


@dataclass(frozen=True, slots=True, eq=False)
class ConditionParts:
    """Displacements that sum to c - c0.

    Attributes:
        names: of the parts: classes, "gap coordinates" where there is a gap, "the rest".
        parts: (p, n, e).
        gap: the coordinates of the gap, largest first; empty where nothing is known of one.
    """

    names: list[str]
    parts: Tensor
    gap: list[int]


def average_condition(target: AnalysisTarget, c: Tensor) -> Tensor:
    """(n, e) the condition of the average picture, at the noise levels of c (n, e)."""
    conditioner = target.conditioner
    if conditioner is None:
        return torch.zeros_like(c)
    if conditioner.mode == "raw":
        return conditioner.mean_image.to(c).expand_as(c).clone()
    start = torch.zeros_like(c)
    start[:, -1] = c[:, -1]  # the level is no part of what is said
    return start


def gap_coordinates(target: AnalysisTarget) -> list[int]:
    """Where the means of pictures and words differ most; none where nothing is known of them."""
    if target.conditioner is None:
        return []
    apart = (target.conditioner.mean_image - target.conditioner.mean_text).abs()
    return apart.topk(min(GAP_COORDINATES, len(apart))).indices.tolist()


def parts_of(target: AnalysisTarget, c: Tensor, start: Tensor, seeds: list[int]) -> ConditionParts:
    """Split c - start into the gap, the directions of classes by least squares, and the rest.

    Of many classes the ten are taken whose conditions are the most like this one.

    Args:
        target: whose class names are asked as prompts.
        c: (n, e) conditions of the prompt, one a seed.
        start: (n, e) of the average picture.
        seeds: n.
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
