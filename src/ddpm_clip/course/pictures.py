"""The pictures of the lessons: nothing is downloaded, and each set says where it comes from.

Digits are real MNIST where it is found, and else those that the shipped model has painted;
`scripts/paint_course_digits.py` makes that pack. Flowers are drawn, from a seed.
"""

import os
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.data.local.drawn_flowers import DrawnFlowers
from ddpm_clip.data.pictures.images import to_array
from ddpm_clip.data.sources import DIGITS, open_source
from ddpm_clip.errors import DdpmClipError, UsageError
from ddpm_clip.types import ImageSource

PACK = "painted_digits.npz"
REAL = "COURSE_REAL"
"""Environment variable: 0 uses the painted digits even where MNIST is found."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """A set of pictures with what is known of each.

    Attributes:
        pixels: (n, c, h, w) uint8.
        facts: the known attributes of each picture, such as {"digit": "six"}.
        origin: where they come from, for display.
    """

    pixels: Tensor
    facts: list[dict[str, str]]
    origin: str

    def __len__(self) -> int:
        return len(self.pixels)

    def labels(self, name: str) -> Tensor:
        """Return the number (n,) of each picture's value of an attribute, as in `values`."""
        values = self.values(name)
        return torch.tensor([values.index(one[name]) for one in self.facts])

    def values(self, name: str) -> list[str]:
        """Return the values of an attribute; digits in their order, others sorted."""
        found = {one[name] for one in self.facts}
        return [d for d in DIGITS if d in found] if found <= set(DIGITS) else sorted(found)

    def one_hot(self, name: str) -> Tensor:
        """Return the condition (n, values): 1 at the value of each picture, else 0."""
        return torch.nn.functional.one_hot(self.labels(name), len(self.values(name))).float()

    def split(self, heldout: int) -> "tuple[Pictures, Pictures]":
        """Return the pictures without the last `heldout`, and these.

        Raises:
            UsageError: nothing would be left.
        """
        if not 0 < heldout < len(self):
            raise UsageError(f"cannot hold out {heldout} of {len(self)} pictures")
        cut = len(self) - heldout
        parts = (slice(None, cut), slice(cut, None))
        first, last = (Pictures(self.pixels[p], self.facts[p], self.origin) for p in parts)
        return first, last


def digits(n: int, *, real: bool | None = None) -> Pictures:
    """Return n digits (n, 1, 28, 28), the ten of them equally often.

    Args:
        n: number of pictures; of painted ones there are 1,500.
        real: MNIST or the painted pack; None takes MNIST if it is found, but for the smoke size
            and where `COURSE_REAL=0`.

    Raises:
        MissingInput: `real` is set, and MNIST is not found.
        UsageError: there are fewer than n.
    """
    wanted = _real_wanted() if real is None else real
    if wanted:
        try:
            return _first_of_each(open_source("mnist"), n, "digit", "MNIST")
        except DdpmClipError:
            if real:
                raise
    images, labels = _pack()
    if n > len(images):
        raise UsageError(f"there are {len(images)} painted digits, not {n}", fix="ask for fewer")
    facts = [{"digit": DIGITS[label]} for label in labels[:n].tolist()]
    origin = "digits painted by the shipped model (MNIST was not used)"
    return Pictures(torch.from_numpy(images[:n, None].copy()), facts, origin)


def flowers(n: int, size: int = 32, seed: int = 0) -> Pictures:
    """Return n drawn flowers (n, 3, size, size) with all their facts."""
    source = DrawnFlowers(n, size=size, seed=seed)
    pixels = torch.stack([torch.from_numpy(to_array(source[i], size, 3)) for i in range(n)])
    return Pictures(pixels, [source.facts(i) for i in range(n)], f"flowers drawn from seed {seed}")


def fashion(n: int) -> Pictures:
    """Return n pictures of Fashion-MNIST (n, 1, 28, 28).

    Raises:
        MissingInput: it is not on this disk; nothing is downloaded.
    """
    return _first_of_each(open_source("fashion-mnist"), n, "garment", "Fashion-MNIST")


def _real_wanted() -> bool:
    return os.environ.get(REAL) != "0" and os.environ.get("COURSE_SMOKE") != "1"


@cache
def _pack() -> tuple[np.ndarray, np.ndarray]:
    with as_file(files("ddpm_clip.course") / "data" / PACK) as path, np.load(path) as pack:
        return pack["images"], pack["labels"]


def _first_of_each(source: ImageSource, n: int, name: str, origin: str) -> Pictures:
    """Return the first pictures of each class, so that all are equally frequent."""
    each = -(-n // len(source.classes))
    by_class: dict[str, list[int]] = {one: [] for one in source.classes}
    for i in range(len(source)):
        rows = by_class[source.label(i) or ""]
        if len(rows) < each:
            rows.append(i)
    order = [rows[j] for j in range(each) for rows in by_class.values()][:n]
    pixels = [torch.from_numpy(to_array(source[i], 28, 1)) for i in order]
    return Pictures(torch.stack(pixels), [{name: source.label(i) or ""} for i in order], origin)
