"""Conditions between conditions: along the arc of two, and as a weighted sum of several.

A condition is a direction in the centred space, its length, and the level of its noise behind
them; each is mixed for itself. Knows nothing of prompts or pictures.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError

NEARLY = 1e-4
"""Radians to 0 or pi within which an arc is too short, or its way unknown."""


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """The point of the great arc from a to b (Shoemake 1985), its length interpolated evenly.

    Args:
        a: (e,); comes back to the bit where `share` is 0.
        b: (e,); the same where it is 1.
        share: of the way, in [0, 1].

    Raises:
        UsageError: a and b point in opposite directions, between which every arc is the shortest.
    """
    if share in (0.0, 1.0):
        return b if share else a
    long = torch.stack([a.double().norm(), b.double().norm()])
    if not bool(long.all()):
        return torch.lerp(a, b, share)  # a point in the middle of the cloud has no direction
    u, v = a.double() / long[0], b.double() / long[1]
    angle = torch.atan2((u - v).norm(), (u + v).norm()).item() * 2  # exact also where tiny
    if math.pi - angle < NEARLY:
        raise UsageError(
            "the two ends are opposite",
            "there is no shortest way between them",
            "go by a third one",
        )
    if angle < NEARLY:
        direction = torch.lerp(u, v, share)
    else:
        direction = math.sin((1 - share) * angle) * u + math.sin(share * angle) * v
    direction = direction / direction.norm()
    return (torch.lerp(long[0], long[1], share) * direction).to(a)


def mixed(conditions: Tensor, weights: Sequence[float]) -> Tensor:
    """The weighted sum of k conditions (k, e), as long as they are on their weighted average.

    Raises:
        UsageError: they cancel out.
    """
    w = torch.tensor(weights, dtype=torch.float64)
    c = conditions.double()
    total = w @ c
    wanted = (w.abs() @ c.norm(dim=1)) / w.abs().sum()
    if total.norm() <= 1e-6 * (w.abs() @ c.norm(dim=1)):
        raise UsageError(
            "the parts cancel out",
            "their weighted sum has no direction",
            "choose other weights",
            param="weights",
        )
    return (total * wanted / total.norm()).to(conditions)


def between(a: Tensor, b: Tensor, share: float, dim: int) -> Tensor:
    """Two conditions (width,) of which `dim` coordinates point and the others are a level."""
    level = torch.lerp(a[dim:], b[dim:], share)
    return torch.cat([slerp(a[:dim], b[:dim], share), level])


def blended(conditions: Tensor, weights: Sequence[float], dim: int) -> Tensor:
    """Several conditions (k, width) as one (width,); their levels are averaged."""
    shares = torch.tensor(weights).abs() / sum(map(abs, weights))
    return torch.cat([mixed(conditions[:, :dim], weights), shares @ conditions[:, dim:]])
