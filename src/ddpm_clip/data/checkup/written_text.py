"""Whether a picture is likely a screenshot or a scan of text: several lines of letters."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SMALLEST = 160
"""Shorter side in pixels from which a picture is looked at: smaller ones hold no lines."""

WINDOW = 512
"""Side of the middle part that is looked at, at full resolution: smaller, letters would blur."""

GROUND = 0.5
"""Least share of pixels that have the colour of the paper."""

CONTRAST = 48
"""Least difference of ink from paper, of 255 grey levels."""

STROKES = 10
"""Least changes between paper and ink along a row through letters."""

LINES = 3
"""Least number of lines of letters."""


def looks_like_text(image: Image.Image) -> bool:
    """Return whether the middle of a picture has an even ground and lines of letters on it.

    A line of letters is a run of rows with many changes between ground and ink, between rows
    without any ink. Drawings on white have few changes along a row, photographs no even ground.
    """
    if min(image.size) < SMALLEST:
        return False
    grey = np.asarray(_middle(image).convert("L"))  # (h, w)
    paper = _ground(grey)
    if paper is None:
        return False
    ink = np.abs(grey.astype(np.int16) - paper) > CONTRAST
    changes = (ink[:, 1:] != ink[:, :-1]).sum(axis=1)  # (h,)
    kinds = np.where(changes >= STROKES, 1, np.where(ink.any(axis=1), 2, 0))
    return _lines(kinds) >= LINES


def _middle(image: Image.Image) -> Image.Image:
    width, height = (min(side, WINDOW) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _ground(grey: NDArray[np.uint8]) -> int | None:
    """Return the most frequent grey level if it and its neighbours cover enough, from a sample."""
    counts = np.bincount(grey[::4, ::4].ravel(), minlength=256)
    level = int(counts.argmax())
    share = counts[max(0, level - 3) : level + 4].sum() / counts.sum()
    return level if share >= GROUND else None


def _lines(kinds: NDArray[np.int64]) -> int:
    """Count runs of rows that hold letters and lie between rows without ink."""
    lines, letters = 0, False
    for kind in kinds.tolist():
        if kind == 0:
            lines += letters
            letters = False
        letters = letters or kind == 1
    return lines
