"""Euclidean distances and nearest neighbours between two sets of rows, in bounded memory."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ddpm_clip.conditioning.nearest import Bank

CHUNK = 1024
"""Number of rows whose distances to all others are in memory at once."""


def distance_blocks(a: Tensor, b: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield (first row, squared distances (chunk, m)) of chunks of a (n, d) to all of b (m, d).

    In float64 and centred, so that distances far smaller than the rows themselves are accurate.
    """
    middle = b.double().mean(0)
    a, b = a.double() - middle, b.double() - middle
    b_norms = b.square().sum(1)
    for start in range(0, len(a), CHUNK):
        part = a[start : start + CHUNK]
        squares = part.square().sum(1)[:, None] + b_norms - 2 * part @ b.T
        yield start, squares.clamp_(min=0)


def nearest_rows(query: Tensor, bank: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k nearest rows of a bank to each row of a query, nearest first.

    Args:
        query: (n, d) rows to find neighbours of.
        bank: (m, d) rows to search.
        k: number of neighbours; m, if the bank is smaller.

    Returns:
        (distances (n, k) in float64, row numbers (n, k)).
    """
    middle, k = bank.float().mean(0), min(k, len(bank))

    def part(start: int, stop: int) -> Tensor:
        # |q - r|^2 = |q|^2 - 2 (q r - |r|^2 / 2): the nearest has the largest product
        stretch = bank[start:stop].float() - middle
        return torch.cat([stretch, -stretch.square().sum(1, keepdim=True) / 2], 1)

    asked = torch.cat([query.float() - middle, torch.ones(len(query), 1)], 1)
    _, found = Bank(part, len(bank)).nearest(asked, k)
    return _sorted(_distances(query, bank, found), found)


def nearest_others(rows: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """As `nearest_rows` within one set of at least two rows; no row is its own neighbour."""
    distances, found = nearest_rows(rows, rows, k + 1)
    own = found == torch.arange(len(rows))[:, None]
    own[:, -1] |= ~own.any(1)  # with more than k duplicates, the row itself may not be found
    shape = len(rows), found.shape[1] - 1
    return distances[~own].view(shape), found[~own].view(shape)


def _distances(query: Tensor, bank: Tensor, found: Tensor) -> Tensor:
    """Return the distances (n, k) to the found rows, computed from differences, not products."""
    parts = []
    for start in range(0, len(query), CHUNK):
        rows = found[start : start + CHUNK]
        asked = query[start : start + CHUNK].double()
        parts.append(
            torch.stack([(asked - bank[one].double()).norm(dim=1) for one in rows.T], dim=1)
        )
    return torch.cat(parts) if parts else torch.empty(found.shape, dtype=torch.float64)


def _sorted(distances: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    order = distances.argsort(dim=1, stable=True)
    return distances.gather(1, order), rows.gather(1, order)
