"""Where the stamps of a transposed convolution overlap: the checkerboard, counted.

A transposed convolution stamps its kernel into the output, once for each input number. Where the
stride does not divide the kernel, some places get more stamps than others (Odena et al. 2016).
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def overlaps(n: int, kernel: int, stride: int) -> list[int]:
    """Return how many of n stamps fall on each place of the output row.

    >>> overlaps(4, 3, 2)
    [1, 1, 2, 1, 2, 1, 2, 1, 1]
    """
    counts = [0] * ((n - 1) * stride + kernel)
    for first in range(0, n * stride, stride):
        for place in range(first, first + kernel):
            counts[place] += 1
    return counts


def phase_map(kernel: int, stride: int) -> Tensor:
    """Return how many stamps fall on each of the stride x stride phases, far from the border.

    >>> phase_map(3, 2).tolist()
    [[4.0, 2.0], [2.0, 1.0]]
    """
    row = torch.tensor([len(range(phase, kernel, stride)) for phase in range(stride)]).float()
    return row[:, None] * row[None]


def stamped(n: int, kernel: int, stride: int) -> Tensor:
    """Return the map (h, w) that a transposed convolution of ones makes of n x n ones."""
    ones, weight = torch.ones(1, 1, n, n), torch.ones(1, 1, kernel, kernel)
    return F.conv_transpose2d(ones, weight, stride=stride)[0, 0]
