"""The size of pictures: the one type for it, so that nothing takes a picture for a square."""

from collections.abc import Sequence
from math import gcd
from typing import NamedTuple


class Size(NamedTuple):
    """Height and width in pixels, in the order of (c, h, w) tensors.

    Written in words as WIDTHxHEIGHT, as picture programs do: `str(Size(16, 24))` is `24x16`.
    """

    height: int
    width: int

    @classmethod
    def of(cls, size: "AnySize") -> "Size":
        """Return the size that is given as the side of a square, or as (height, width).

        Raises:
            ValueError: It is neither.
        """
        height, width = (size, size) if isinstance(size, int) else size
        return cls(height, width)

    @property
    def plain(self) -> int | list[int]:
        """The size as files write it: the side of a square, else [height, width]."""
        return self.height if self.height == self.width else [self.height, self.width]

    @property
    def aspect(self) -> tuple[int, int]:
        """Height and width in the smallest whole numbers: (2, 3) for 24x16."""
        common = gcd(self.height, self.width)
        return self.height // common, self.width // common

    def __str__(self) -> str:
        """Return WIDTHxHEIGHT."""
        return f"{self.width}x{self.height}"


AnySize = int | Sequence[int]
"""The side of a square, or (height, width)."""
