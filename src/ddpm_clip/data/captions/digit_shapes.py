"""Measures the stroke width, slant and extent of digits, and turns measurements into words.

A measurement becomes a word by comparison with pictures of the same digit: every one is narrow, so
a "narrow one" is a one that is narrower than most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

INK = 0.35
"""Brightness, as a share of full ink, from which a pixel belongs to the stroke."""

FINER = 2
"""Factor by which pictures are enlarged, so that widths can be fractions of a pixel."""

CHUNK = 256
"""Number of pictures measured at a time."""

OUTER = 0.3
"""Share of a digit's pictures that are called thick, thin, and so on."""

INNER = 0.2
"""Share of a digit's pictures, around the median slant, that are called upright."""

VALUES = {
    "stroke": ("thin", "thick"),
    "slant": ("left", "right"),
    "size": ("small", "big"),
    "shape": ("narrow", "wide"),
}
"""The words for the low and the high end of each measurement."""

UPRIGHT = "upright"


def measured(pixels: np.ndarray) -> dict[str, Tensor]:
    """Measure pictures of light ink on a dark background.

    Args:
        pixels: Pictures (n, c, h, w), uint8.

    Returns:
        Four measurements (n,) float32: `stroke`, the mean width of the stroke in pixels (four
        times the mean distance of its pixels to the background, exact for a long bar); `slant`,
        how far the ink moves right for each pixel up (from the second moments); `size`, the square
        root of the area of the box around the ink, in pixels; `shape`, the width of that box
        divided by its height. NaN if there is no ink.
    """
    parts = [
        _measured(torch.from_numpy(pixels[i : i + CHUNK])) for i in range(0, len(pixels), CHUNK)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in VALUES}


def _measured(x: Tensor) -> dict[str, Tensor]:
    grey = x.float().mean(1, keepdim=True) / 255
    fine = F.interpolate(grey, scale_factor=FINER, mode="bilinear", align_corners=False)[:, 0]
    ink = fine >= INK  # (n, h, w)
    width, height = _extent(ink.any(1)), _extent(ink.any(2))
    absent = ~ink.flatten(1).any(1)
    found = {
        "stroke": 4 * (_distances(ink).flatten(1).sum(1) / ink.flatten(1).sum(1)) / FINER,
        "slant": _slant(fine * ink),
        "size": (width * height).sqrt() / FINER,
        "shape": width / height.clamp(min=1),
    }
    return {name: value.masked_fill(absent, torch.nan) for name, value in found.items()}


def _extent(covered: Tensor) -> Tensor:
    """Return the distance (n,) from the first to the last True in each row of (n, length)."""
    places = torch.arange(covered.shape[1], dtype=torch.float32)
    first = torch.where(covered, places, torch.inf).amin(1)
    last = torch.where(covered, places, -torch.inf).amax(1)
    return last - first + 1


def _distances(ink: Tensor) -> Tensor:
    """Return the Euclidean distance (n, h, w) of ink to the background's edge, 0 off the ink.

    Exact in two passes, along rows and then columns (Felzenszwalb and Huttenlocher 2012, eq. 4).
    The edge lies half a pixel before the first background pixel, and everything outside the
    picture is background.
    """
    rows = _along_rows(ink)
    squares, far = rows.square(), int(rows.max()) if len(rows) else 0
    padded = F.pad(squares, (0, 0, far, far))  # background above and below
    height = ink.shape[1]
    for away in range(1, far + 1):
        for start in (far - away, far + away):
            squares = torch.minimum(squares, padded[:, start : start + height] + away**2)
    return (squares.sqrt() - 0.5).clamp(min=0) * ink


def _along_rows(ink: Tensor) -> Tensor:
    """Return the distance (n, h, w) to the nearest background pixel in the same row."""
    width = ink.shape[2]
    place = torch.arange(width, dtype=torch.float32)
    left = torch.where(ink, -1.0, place).cummax(2).values  # last background pixel up to here
    right = torch.where(ink, float(width), place).flip(2).cummin(2).values.flip(2)
    return torch.minimum(place - left, right - place)


def _slant(weight: Tensor) -> Tensor:
    """Return the covariance (n,) of right and up over the variance of up, weighted by ink."""
    _n, height, width = weight.shape
    total = weight.flatten(1).sum(1).clamp(min=1e-6)
    right = torch.arange(width, dtype=torch.float32).view(1, 1, -1)
    up = -torch.arange(height, dtype=torch.float32).view(1, -1, 1)

    def mean(values: Tensor) -> Tensor:
        return (weight * values).flatten(1).sum(1) / total

    right, up = right - mean(right).view(-1, 1, 1), up - mean(up).view(-1, 1, 1)
    return mean(right * up) / mean(up * up).clamp(min=1e-6)


@dataclass(frozen=True, slots=True)
class Spread:
    """Quantiles of one measurement over the pictures of one digit.

    Attributes:
        low, high: Limits beyond which a picture gets a word, such as "thin" or "thick".
        middle: Median.
        inner: Range around the median slant in which a digit is called upright.
        tercile: Range of the middle third.
    """

    low: float
    high: float
    middle: float
    inner: tuple[float, float]
    tercile: tuple[float, float]

    @classmethod
    def of(cls, values: Tensor) -> "Spread":
        """Return the quantiles of measurements (n,), ignoring NaN."""
        at = torch.tensor([OUTER, 1 - OUTER, 0.5, 0.5 - INNER / 2, 0.5 + INNER / 2, 1 / 3, 2 / 3])
        low, high, middle, a, b, c, d = values[~values.isnan()].quantile(at).tolist()
        return cls(low, high, middle, (a, b), (c, d))

    def name(self, attribute: str, value: float) -> str | None:
        """Return the word for a measurement, or None if it is ordinary."""
        if value < self.low:
            return VALUES[attribute][0]
        if value > self.high:
            return VALUES[attribute][1]
        upright = attribute == "slant" and self.inner[0] <= value <= self.inner[1]
        return UPRIGHT if upright else None

    def holds(self, attribute: str, word: str, value: float) -> bool:
        """Whether a measurement agrees with a word: it lies on that side of the median.

        For `upright` it must lie in the middle third.
        """
        if word == UPRIGHT:
            return self.tercile[0] <= value <= self.tercile[1]
        low, high = VALUES[attribute]
        return (word == low and value < self.middle) or (word == high and value > self.middle)


def spreads(shapes: Mapping[str, Tensor], digits: Sequence[str]) -> dict[str, dict[str, Spread]]:
    """Return the quantiles of the measurements, by digit and attribute.

    Args:
        shapes: Measurements, as returned by `measured`.
        digits: The digit of each picture (n,).
    """
    names = np.array(digits)
    return {
        digit: {
            attribute: Spread.of(values[torch.from_numpy(names == digit)])
            for attribute, values in shapes.items()
        }
        for digit in sorted(set(digits))
    }


def with_shapes(pixels: np.ndarray, facts: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Return the facts {"digit": …} with words for the shapes added: {"stroke": "thick", …}."""
    known = [i for i, one in enumerate(facts) if "digit" in one]
    shapes = measured(pixels[known])
    digits = [facts[i]["digit"] for i in known]
    of = spreads(shapes, digits)
    extended = [dict(one) for one in facts]
    for row, i in enumerate(known):
        for attribute, values in shapes.items():
            word = of[digits[row]][attribute].name(attribute, values[row].item())
            if word is not None:
                extended[i][attribute] = word
    return extended
