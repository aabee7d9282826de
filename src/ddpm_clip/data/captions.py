"""Which caption grammar speaks about which facts.

A grammar is one file with `describe(facts, rng) -> Caption`; adding one is that file and a line
in `GRAMMARS`. Knows nothing of embedders.
"""

import random
from collections.abc import Callable

from ddpm_clip.data import digit_words, flower_words, label_words
from ddpm_clip.registry import Registry
from ddpm_clip.types import Caption, ImageSource

Describe = Callable[[dict[str, str], random.Random], Caption]

GRAMMARS: Registry[Describe] = Registry(
    "caption grammar",
    {
        "digits": digit_words.describe,
        "flowers": flower_words.describe,
        "labels": label_words.describe,
    },
)


def facts_of(source: ImageSource, i: int) -> dict[str, str]:
    """What can be said of picture i: its facts, else its caption, else its label ({} if none)."""
    if facts := source.facts(i):
        return facts
    if caption := source.caption(i):
        return {"caption": caption}
    label = source.label(i)
    if label in digit_words.DIGITS:
        return {"digit": label}
    return {"label": label} if label else {}


def grammar_of(facts: dict[str, str]) -> Describe:
    """The grammar that knows these facts."""
    if "species" in facts:
        return GRAMMARS["flowers"]
    return GRAMMARS["digits" if "digit" in facts else "labels"]


def sample_captions(facts: list[dict[str, str]], n: int, seed: int) -> list[str]:
    """`n` captions of random pictures: a prompt bank."""
    rng = random.Random(seed)
    chosen = [rng.choice(facts) for _ in range(n)]
    return [grammar_of(one)(one, rng).text for one in chosen]
