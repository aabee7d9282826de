"""The pictures of exercise 5.2: three flowers to be described, and others not to be confused."""

import random
from functools import cache

from PIL import Image

from ddpm_clip.data.local.drawn_flowers import Flower, draw, grow

ASKED = (
    {"species": "rose", "petals": "red"},
    {"species": "sunflower", "petals": "orange"},
    {"species": "daisy", "petals": "white"},
)
"""The facts that the three pictures are known for."""

DISTRACTORS, SIZE, SEED = 20, 32, 5200


@cache
def flowers() -> tuple[Flower, ...]:
    """Return the three flowers, then the distractors, none of which has all facts of one."""
    fixed = {"count": "one", "size": "big", "background": "green"}
    found = [grow(random.Random(SEED + i), fixed | facts) for i, facts in enumerate(ASKED)]
    draws = random.Random(SEED - 1)
    while len(found) < len(ASKED) + DISTRACTORS:
        other = grow(random.Random(draws.randrange(2**31)))
        if {"species": other.species, "petals": other.petals} not in ASKED:
            found.append(other)
    return tuple(found)


@cache
def pictures() -> tuple[Image.Image, ...]:
    """Return the pictures of all these flowers."""
    return tuple(draw(flower, SIZE) for flower in flowers())


def facts_of(i: int) -> dict[str, str]:
    """Return what can be said of picture i in a caption."""
    facts = flowers()[i].facts()
    return {name: facts[name] for name in ("species", "petals", "count", "background")}
