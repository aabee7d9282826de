"""What can be measured in a picture of a digit: stroke width, slant, extent; and names for it.

A measurement becomes a word by comparison with pictures of the same digit: a one is always
narrow, so a narrow one is narrow for a one. Knows nothing of captions, networks or files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

INK = 0.35
"""Share of full ink from which a pixel belongs to the stroke."""

FINER = 2
"""Pictures are enlarged so many times, so that widths are not whole pixels."""

CHUNK = 256
"""Pictures measured at a time."""

OUTER = 0.3
"""Share of a digit's pictures that count as thick, as thin, and so on."""

INNER = 0.2
"""Share around the median slant that counts as upright."""

VALUES = {
    "stroke": ("thin", "thick"),
    "slant": ("left", "right"),
    "size": ("small", "big"),
    "shape": ("narrow", "wide"),
}
"""The names of the low and the high end of each measurement."""

UPRIGHT = "upright"


def measured(pixels: np.ndarray) -> dict[str, Tensor]:
    """Measure pictures of light ink on dark ground.

    Args:
        pixels: (n, c, h, w) uint8.

    Returns:
        Of each picture, (n,) float32: `stroke`, the mean width of the stroke in pixels (four
        times the mean distance of its pixels to the ground, exact for a long bar); `slant`, how
        far the ink moves right for each pixel up (from the second moments); `size`, the square
        root of the area of the box around the ink, in pixels; `shape`, the width of that box by
        its height. NaN where there is no ink.
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
    """(n,) from the first to the last True of each row of `covered` (n, length)."""
    places = torch.arange(covered.shape[1], dtype=torch.float32)
    first = torch.where(covered, places, torch.inf).amin(1)
    last = torch.where(covered, places, -torch.inf).amax(1)
    return last - first + 1


def _distances(ink: Tensor) -> Tensor:
    """(n, h, w) Euclidean distance of the ink to the ground's edge, 0 on the ground.

    Exact in two passes, along rows and then columns (Felzenszwalb and Huttenlocher 2012, eq. 4);
    the edge lies half a pixel before the first pixel of the ground, and around the picture is
    ground.
    """
    rows = _along_rows(ink)
    squares, far = rows.square(), int(rows.max()) if len(rows) else 0
    padded = F.pad(squares, (0, 0, far, far))  # ground above and below
    height = ink.shape[1]
    for away in range(1, far + 1):
        for start in (far - away, far + away):
            squares = torch.minimum(squares, padded[:, start : start + height] + away**2)
    return (squares.sqrt() - 0.5).clamp(min=0) * ink


def _along_rows(ink: Tensor) -> Tensor:
    """(n, h, w) steps to the nearest ground in the same row."""
    width = ink.shape[2]
    place = torch.arange(width, dtype=torch.float32)
    left = torch.where(ink, -1.0, place).cummax(2).values  # the last ground up to here
    right = torch.where(ink, float(width), place).flip(2).cummin(2).values.flip(2)
    return torch.minimum(place - left, right - place)


def _slant(weight: Tensor) -> Tensor:
    """(n,) covariance of right and up, by the variance of up, weighted by ink."""
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
    """Where the measurements of one digit lie: quantiles of every attribute.

    Attributes:
        low, high: beyond them a picture is named.
        middle: the median.
        inner: around the median, where a digit is upright.
        tercile: the middle third.
    """

    low: float
    high: float
    middle: float
    inner: tuple[float, float]
    tercile: tuple[float, float]

    @classmethod
    def of(cls, values: Tensor) -> "Spread":
        """The quantiles of (n,) measurements; NaN does not count."""
        at = torch.tensor([OUTER, 1 - OUTER, 0.5, 0.5 - INNER / 2, 0.5 + INNER / 2, 1 / 3, 2 / 3])
        low, high, middle, a, b, c, d = values[~values.isnan()].quantile(at).tolist()
        return cls(low, high, middle, (a, b), (c, d))

    def name(self, attribute: str, value: float) -> str | None:
        """The word for a measurement, or None where there is nothing to remark."""
        if value < self.low:
            return VALUES[attribute][0]
        if value > self.high:
            return VALUES[attribute][1]
        upright = attribute == "slant" and self.inner[0] <= value <= self.inner[1]
        return UPRIGHT if upright else None

    def holds(self, attribute: str, word: str, value: float) -> bool:
        """Whether a measurement lies on the side of the median that a word asks for.

        `upright` asks for the middle third.
        """
        if word == UPRIGHT:
            return self.tercile[0] <= value <= self.tercile[1]
        low, high = VALUES[attribute]
        return (word == low and value < self.middle) or (word == high and value > self.middle)


def spreads(shapes: Mapping[str, Tensor], digits: Sequence[str]) -> dict[str, dict[str, Spread]]:
    """Of each digit and attribute, how its pictures' measurements spread.

    Args:
        shapes: what `measured` found.
        digits: (n,) of each picture.
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
    """The facts {"digit": …} with what the pictures' shapes add: {"stroke": "thick", …}."""
    known = [i for i, one in enumerate(facts) if "digit" in one]
    shapes = measured(pixels[known])
    digits = [facts[i]["digit"] for i in known]
    of = spreads(shapes, digits)
    told = [dict(one) for one in facts]
    for row, i in enumerate(known):
        for attribute, values in shapes.items():
            word = of[digits[row]][attribute].name(attribute, values[row].item())
            if word is not None:
                told[i][attribute] = word
    return told
