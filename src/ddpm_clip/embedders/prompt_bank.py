"""Everyday captions, from which the mean text embedding of a pretrained encoder is computed.

The distance between that mean and the mean of image embeddings is the modality gap, which the
bridges close. The captions are general on purpose and do not depend on a data set.
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
"""Fifty phrases for a thing."""

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
"""About ninety common subjects of pictures."""

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
    """Return about three hundred distinct captions: each thing thrice, all templates and colours.

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
    """Return the prompt with `an` instead of `a` before a vowel."""
    return re.sub(r"\ba (?=[aeiou])", "an ", prompt)
