"""Pairs of equal or nearly equal pictures among very many, from small thumbnails.

A thumbnail of 8 x 8 pixels is compared by its pattern: its colours without their mean, scaled to
length 1, so that brightness and contrast hardly matter. All pairs are compared, in blocks of
pictures that lie side by side along the first principal component; blocks that are further apart
than two copies can be are skipped.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

SIDE = 8
"""Side of a thumbnail in pixels."""

APART = 0.12
"""Largest distance of the patterns of near duplicates. Photographs of 32 to 64 pixels that were
recompressed, halved or brightened lie within it in 95 to 99 of 100 cases; of different photographs
less than one in a thousand has a neighbour as near (`tests/data/checkup/test_duplicates.py`)."""

SHADE = 12.0
"""Largest difference of the mean colours of near duplicates, in levels of 255."""

FAINT = 12.0
"""Contrast in levels of 255 below which patterns are not scaled up: they are mostly noise."""

COMPARED = 200_000
"""Most different thumbnails that are compared; the time grows with the square of their number."""

COMPONENTS = 24
"""Principal components by which pairs are proposed; whole patterns then confirm them."""

BLOCK = 2048
SAMPLE = 20_000
MOST = 50_000
"""Most pairs that are proposed within two blocks: a part of thousands of blank ones suffices."""


def near_pairs(thumbs: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return pairs (m, 2), lower number first, of pictures with nearly equal thumbnails.

    Pictures with equal thumbnails are each paired with the first of them only.

    Args:
        thumbs: (n, 8, 8, 3).
    """
    if len(thumbs) < 2:
        return np.empty((0, 2), np.int64)
    flat = np.ascontiguousarray(thumbs).reshape(len(thumbs), -1)
    bytes_each = flat.view(np.dtype((np.void, flat.shape[1]))).ravel()
    _, first, group = np.unique(bytes_each, return_index=True, return_inverse=True)
    equal = np.stack([first[group.ravel()], np.arange(len(flat))], axis=1)
    first = np.sort(first)[:COMPARED]
    near = first[_near(flat[first])] if len(first) > 1 else np.empty((0, 2), np.int64)
    pairs = np.concatenate([equal[equal[:, 0] != equal[:, 1]], near])
    return np.unique(np.sort(pairs, axis=1), axis=0)


def copies(pairs: NDArray[np.int64]) -> dict[int, int]:
    """Return, for each picture that is a copy, the first picture of its group."""
    first: dict[int, int] = {}

    def root(i: int) -> int:
        while (above := first.setdefault(i, i)) != i:
            first[i] = i = first[above]
        return i

    for a, b in pairs.tolist():
        low, high = sorted((root(a), root(b)))
        first[high] = low
    return {i: root(i) for i in sorted(first) if root(i) != i}


def patterns(flat: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return patterns (n, 192) of length 1, shorter for blank pictures, and mean colours (n, 3)."""
    colours = flat.reshape(len(flat), -1, 3).astype(np.float32)
    mean = colours.mean(axis=1, keepdims=True)
    centred = (colours - mean).reshape(len(flat), -1)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.maximum(length, FAINT * centred.shape[1] ** 0.5), mean[:, 0]


def _near(flat: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return near pairs (m, 2) among different thumbnails (n, 192)."""
    places = _projected(flat)
    order = np.argsort(places[:, 0], kind="stable")
    sorted_places = np.ascontiguousarray(places[order])
    found = [np.empty((0, 2), np.int64)]
    for pairs in _proposed(sorted_places):
        chosen = order[pairs]
        found.append(chosen[_confirmed(flat, chosen)])
    return np.concatenate(found)


def _projected(flat: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the patterns in their first principal components (n, 24); distances only shrink."""
    sample = patterns(flat[:: -(-len(flat) // SAMPLE)])[0]
    axes = np.linalg.eigh(sample.T @ sample)[1][:, ::-1][:, :COMPONENTS]
    parts = [patterns(flat[i : i + BLOCK])[0] @ axes for i in range(0, len(flat), BLOCK)]
    return np.concatenate(parts).astype(np.float32)


def _proposed(places: NDArray[np.float32]) -> Iterator[NDArray[np.int64]]:
    """Yield pairs of rows that are near in the components; the rows are sorted by the first."""
    squares = (places**2).sum(axis=1)
    for start in range(0, len(places), BLOCK):
        block = slice(start, start + BLOCK)
        furthest = places[block][-1, 0] + APART
        for other in range(start, len(places), BLOCK):
            if places[other, 0] > furthest:
                break
            there = slice(other, other + BLOCK)
            apart = squares[block, None] + squares[None, there]
            apart -= 2 * places[block] @ places[there].T
            rows, columns = np.nonzero(apart <= APART**2)
            pairs = np.stack([rows + start, columns + other], axis=1)
            yield pairs[pairs[:, 0] < pairs[:, 1]][:MOST]


def _confirmed(flat: NDArray[np.uint8], pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (m,) whether whole patterns and mean colours are near."""
    near = [np.empty(0, bool)]
    for start in range(0, len(pairs), BLOCK):
        (a, shade_a), (b, shade_b) = (
            patterns(flat[pairs[start : start + BLOCK, side]]) for side in (0, 1)
        )
        alike = np.linalg.norm(a - b, axis=1) <= APART
        near.append(alike & (np.abs(shade_a - shade_b).max(axis=1) <= SHADE))
    return np.concatenate(near)
