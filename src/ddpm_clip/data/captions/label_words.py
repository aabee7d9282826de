"""Caption grammar of any labelled pictures: the class name in a plain sentence.

Facts are {"label": name}, or {"caption": text}, which is used unchanged.
"""

import random

from ddpm_clip.types import Caption

FRAMES = (
    "{x}", "{x}", "a {x}", "the {x}", "a photo of a {x}", "a picture of {x}", "an image of a {x}",
    "a drawing of {x}", "one {x}", "this is a {x}", "a small picture of a {x}",
    "a {x} in the middle",
)  # fmt: skip


def describe(facts: dict[str, str], rng: random.Random) -> Caption:
    """Return the caption that came with the picture, or its label in a sentence."""
    if "caption" in facts:
        return Caption(facts["caption"], dict(facts))
    name = facts["label"].replace("_", " ").replace("/", " or ")
    text = rng.choice(FRAMES).format(x=name)
    return Caption(text + rng.choice(("", "", "", ".", "!")), dict(facts))
