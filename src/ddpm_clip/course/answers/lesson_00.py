"""Reference answer of lesson 00."""

import math


def neighbour_cosine(n: int) -> float:
    """Return the cosine of the angle between neighbours."""
    return math.cos(2 * math.pi / n)
