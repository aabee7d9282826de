"""Everyday captions, for the mean of the texts of a pretrained encoder.

Their average embedding is where words lie; the distance from there to the pictures' mean is the
modality gap that the bridges close. General on purpose: it knows nothing of any data set.
"""

import re

TEMPLATES = (
    "{}", "a {}", "the {}", "one {}", "some {}", "my {}", "a photo of a {}", "a picture of a {}",
    "an image of a {}", "a photograph of the {}", "a close-up of a {}", "a close photo of the {}",
    "a blurry photo of a {}", "a sharp photo of a {}", "a bright photo of a {}",
    "a dark photo of a {}", "a black and white photo of a {}", "a colourful picture of a {}",
    "a small {}", "a big {}", "an old {}", "a new {}", "a beautiful {}", "a strange {}",
    "a simple {}", "a clean photo of a {}", "a low resolution photo of a {}", "a tiny icon of a {}",
    "a drawing of a {}", "a sketch of a {}", "a pencil sketch of the {}", "a painting of a {}",
    "an oil painting of a {}", "a watercolour of a {}", "a cartoon of a {}",
    "an illustration of a {}",
    "a toy {}", "a plastic {}", "a sculpture of a {}", "a pattern with a {}", "a {} on a table",
    "a {} in the grass", "a {} on a white background", "a {} on a dark background",
    "a {} in the distance", "a {} seen from above", "a {} in the morning light", "a {} at night",
    "two things, one of them a {}", "there is a {} in this picture",
)  # fmt: skip
"""Fifty ways to speak of a thing."""

THINGS = (
    "dog", "cat", "horse", "cow", "sheep", "bird", "duck", "fish", "frog", "snake", "butterfly",
    "bee", "spider", "lion", "bear", "elephant", "monkey", "rabbit", "mouse", "person", "woman",
    "man", "child", "baby", "face", "hand", "tree", "flower", "rose", "leaf", "forest", "mountain",
    "river", "lake", "beach", "sky", "cloud", "field", "garden", "road", "bridge", "house",
    "church", "tower", "city", "street", "car", "bus", "truck", "train", "boat", "plane",
    "bicycle", "motorbike", "chair", "table", "bed", "lamp", "clock", "book", "cup", "bottle",
    "bowl", "plate", "knife", "spoon", "shoe", "shirt", "dress", "hat", "bag", "ball", "guitar",
    "piano", "phone", "computer", "camera", "key", "apple", "banana", "orange", "bread", "cake",
    "pizza", "cheese", "letter", "number", "sign", "circle", "square", "star", "heart",
)  # fmt: skip
"""Ninety-odd nouns that most pictures are about."""

COLOURS = (
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "brown",
    "black",
    "white",
    "grey",
)
"""The basic colour words."""


def prompt_bank() -> list[str]:
    """About three hundred captions, no two the same: every thing thrice, every template and colour.

    >>> prompt_bank()[0], len(prompt_bank()) == len(set(prompt_bank()))
    ('dog', True)
    """
    bank = [
        TEMPLATES[(3 * i + 17 * turn) % len(TEMPLATES)].format(thing)
        for turn in range(2)
        for i, thing in enumerate(THINGS)
    ]
    bank += [f"a {COLOURS[i % len(COLOURS)]} {thing}" for i, thing in enumerate(THINGS)]
    bank += [f"something {colour}" for colour in COLOURS]
    return list(dict.fromkeys(_with_article(prompt) for prompt in bank))


def _with_article(prompt: str) -> str:
    """With `an` before a vowel, as people write it."""
    return re.sub(r"\ba (?=[aeiou])", "an ", prompt)
