"""Mix conditions: spherical interpolation of two, and the weighted sum of several.

A condition is a vector in the centred space, followed by the level of its noise. The direction and
the length of the vector and the noise level are interpolated separately.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError

NEARLY = 1e-4
"""Angles, in radians, this close to 0 or pi count as parallel or opposite."""


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Interpolate along the great arc from a to b (Shoemake 1985); the length linearly.

    Args:
        a: (e,); returned bit-exactly if `share` is 0.
        b: (e,); returned bit-exactly if `share` is 1.
        share: How far to go from a to b, in [0, 1].

    Raises:
        UsageError: a and b are opposite, so every arc between them is equally short.
    """
    if share in (0.0, 1.0):
        return b if share else a
    long = torch.stack([a.double().norm(), b.double().norm()])
    if not bool(long.all()):
        return torch.lerp(a, b, share)  # the mean of the embeddings has no direction
    u, v = a.double() / long[0], b.double() / long[1]
    angle = torch.atan2((u - v).norm(), (u + v).norm()).item() * 2  # accurate for tiny angles too
    if math.pi - angle < NEARLY:
        raise UsageError(
            "the two ends are opposite",
            "there is no shortest path between them",
            "interpolate in two parts, by way of a third prompt",
        )
    if angle < NEARLY:
        direction = torch.lerp(u, v, share)
    else:
        direction = math.sin((1 - share) * angle) * u + math.sin(share * angle) * v
    direction = direction / direction.norm()
    return (torch.lerp(long[0], long[1], share) * direction).to(a)


def mixed(conditions: Tensor, weights: Sequence[float]) -> Tensor:
    """Return the weighted sum of k conditions (k, e), scaled to their weighted mean length.

    Raises:
        UsageError: They cancel out.
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
    """Interpolate two conditions (width,): `dim` coordinates of embedding, then the noise level."""
    level = torch.lerp(a[dim:], b[dim:], share)
    return torch.cat([slerp(a[:dim], b[:dim], share), level])


def blended(conditions: Tensor, weights: Sequence[float], dim: int) -> Tensor:
    """Blend k conditions (k, width) into one (width,); their noise levels are averaged."""
    shares = torch.tensor(weights).abs() / sum(map(abs, weights))
    return torch.cat([mixed(conditions[:, :dim], weights), shares @ conditions[:, dim:]])
