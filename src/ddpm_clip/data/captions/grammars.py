"""The registry of caption grammars: which one suits which facts, and which can measure facts.

A grammar is one file with `describe(facts, rng) -> Caption`. To add one, write that file, a line in
`GRAMMARS` and a line in `CHOSEN_BY`. One that can measure facts in the pixels has a line in
`MEASURES` as well.
"""

import random
from collections.abc import Callable, Sequence

import numpy as np

from ddpm_clip.data.captions import (
    digit_shapes,
    digit_words,
    emoji_words,
    flower_words,
    label_words,
)
from ddpm_clip.registry import Registry
from ddpm_clip.types import Caption, ImageSource

Facts = dict[str, str]
Describe = Callable[[Facts, random.Random], Caption]
Measure = Callable[[np.ndarray, Sequence[Facts]], list[Facts]]
"""(pixels (n, c, h, w) uint8, facts of each picture) -> the facts with measured ones added."""

GRAMMARS: Registry[Describe] = Registry(
    "caption grammar",
    {
        "digits": digit_words.describe,
        "flowers": flower_words.describe,
        "emoji": emoji_words.describe,
        "labels": label_words.describe,
    },
)
"""Each speaks of the pictures whose facts it knows."""

CHOSEN_BY = {"flowers": "species", "digits": "digit", "emoji": "name"}
"""Grammar -> the fact that chooses it, the first one that a picture has; a plug-in is chosen by the
fact of its own name, and pictures with none of these facts get `labels`."""

MEASURES: Registry[Measure] = Registry("measured grammar", {"digits": digit_shapes.with_shapes})


def facts_of(source: ImageSource, i: int) -> Facts:
    """Return the facts of picture i, else its caption, else its label ({} if none is known)."""
    if facts := source.facts(i):
        return facts
    if caption := source.caption(i):
        return {"caption": caption}
    label = source.label(i)
    if label in digit_words.DIGITS:
        return {"digit": label}
    return {"label": label} if label else {}


def grammar_name(facts: Facts) -> str:
    """Return the name of the grammar for these facts."""
    chosen_by = CHOSEN_BY | {name: name for name in GRAMMARS if name not in CHOSEN_BY}
    return next((grammar for grammar, fact in chosen_by.items() if fact in facts), "labels")


def grammar_of(facts: Facts) -> Describe:
    """Return the grammar for these facts."""
    return GRAMMARS[grammar_name(facts)]


def measured_facts(pixels: np.ndarray, facts: Sequence[Facts]) -> list[Facts]:
    """Return the facts of pictures (n, c, h, w), with those that their grammars can measure."""
    known = list(facts)
    for name in sorted({grammar_name(one) for one in facts if one}):
        if name in MEASURES:
            known = MEASURES[name](pixels, known)
    return known


def sample_captions(facts: list[Facts], n: int, seed: int) -> list[str]:
    """Return `n` captions of random pictures, as a prompt bank."""
    rng = random.Random(seed)
    chosen = [rng.choice(facts) for _ in range(n)]
    return [grammar_of(one)(one, rng).text for one in chosen]
