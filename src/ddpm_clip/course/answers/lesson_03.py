"""Reference answers of lesson 03."""

import math

import torch
from torch import Tensor


def group_norm(x: Tensor, groups: int) -> Tensor:
    """Return x (b, c, h, w), normalised within each picture and group."""
    b = len(x)
    y = x.reshape(b, groups, -1)
    mean = y.mean(2, keepdim=True)
    variance = (y - mean).square().mean(2, keepdim=True)
    return ((y - mean) / (variance + 1e-5).sqrt()).reshape(x.shape)


def rearrange_pool(x: Tensor) -> Tensor:
    """Return (b, 4c, h/2, w/2)."""
    b, c, height, width = x.shape
    blocks = x.reshape(b, c, height // 2, 2, width // 2, 2)
    return blocks.permute(0, 1, 3, 5, 2, 4).reshape(b, 4 * c, height // 2, width // 2)


def overlaps(n: int, kernel: int, stride: int) -> list[int]:
    """Return the number of stamps on each place of the output."""
    counts = [0] * ((n - 1) * stride + kernel)
    for i in range(n):
        for place in range(i * stride, i * stride + kernel):
            counts[place] += 1
    return counts


def time_features(t: Tensor, T: int, dim: int) -> Tensor:
    """Return sines and cosines (b, dim) of dim / 2 frequencies."""
    frequencies = torch.logspace(0, math.log10(math.pi / T), dim // 2)
    angles = t.float()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def groups_for(channels: int, most: int) -> int:
    """Return the largest divisor of the channels that is at most `most`."""
    groups = min(channels, most)
    while channels % groups:
        groups -= 1
    return groups
