"""Caption grammar of emoji: the name in a plain sentence, sometimes with some of its keywords.

Facts are {"name": "red heart", "keywords": "love, heart"}. Keywords never appear without the name,
because they apply to other emoji as well.
"""

import random
from collections.abc import Mapping

from ddpm_clip.types import Caption

FRAMES = (
    "{x}",
    "{x}",
    "{x}",
    "a {x}",
    "the {x}",
    "{x} emoji",
    "an emoji of a {x}",
    "a picture of {x}",
    "a drawing of a {x}",
    "icon: {x}",
    "the symbol for {x}",
)
BESIDE = 0.4
"""Probability that a caption has keywords."""


def describe(facts: Mapping[str, str], rng: random.Random) -> Caption:
    """Return one caption, which states the name."""
    name = facts["name"].replace("_", " ")
    text = rng.choice(FRAMES).format(x=name)
    keywords = [word.strip() for word in facts.get("keywords", "").split(",") if word.strip()]
    if keywords and rng.random() < BESIDE:
        some = rng.sample(keywords, min(len(keywords), rng.randrange(1, 4)))
        text = ", ".join([text, *some]) if rng.random() < 0.7 else ", ".join([*some, text])
    return Caption(text + rng.choice(("", "", "", ".", "!")), {"name": facts["name"]})
