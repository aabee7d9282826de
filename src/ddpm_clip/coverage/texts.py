"""Prompts of known coverage, on which verdicts are calibrated.

Covered prompts are the captions that an embedder was trained on, the classes of the pictures, or
without either the everyday prompts that are nearest to many pictures. Outside prompts use another
vocabulary than the prompt bank, since a mini-CLIP may have been trained on that one.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ddpm_clip.data.captions.label_words import FRAMES as CLASS_FRAMES
from ddpm_clip.embedders.prompt_bank import COLOURS

ASKED = (
    "please paint {}",
    "{} please",
    "I would like {}",
    "can I have {}",
    "let me see {}",
    "paint me {}",
    "{} for my wall",
    "give me {} now",
    "how about {}",
    "I was thinking of {}",
)
"""How people word a request."""

NOUNS = (
    "goat", "penguin", "whale", "tiger", "squirrel", "owl", "dolphin", "ant", "crocodile", "zebra",
    "doctor", "soldier", "queen", "dancer", "farmer", "robot", "ghost", "dragon", "skeleton",
    "castle", "windmill", "lighthouse", "tent", "stadium", "factory", "airport", "harbour",
    "volcano", "desert", "island", "waterfall", "cave", "storm", "moon", "rainbow", "snowman",
    "tractor", "helicopter", "submarine", "rocket", "tram", "scooter", "ambulance", "tank",
    "sofa", "mirror", "candle", "umbrella", "pillow", "carpet", "ladder", "hammer", "scissors",
    "needle", "bucket", "basket", "wallet", "watch", "ring", "crown", "jacket", "glove", "sock",
    "violin", "trumpet", "drum", "keyboard", "television", "battery", "printer", "telescope",
    "carrot", "tomato", "potato", "grape", "lemon", "egg", "sandwich", "noodles", "soup", "coffee",
    "newspaper", "map", "ticket", "flag", "coin", "dice", "puzzle", "kite", "balloon", "anchor",
    "barrel", "cactus", "mushroom", "pumpkin", "shell", "feather", "bone", "fire", "ice",
)  # fmt: skip
"""A hundred things that are not in the prompt bank."""

FRAMES = (
    "{}", "a {}", "the {}", "that {}", "a {colour} {}", "a {colour} {}", "the {colour} {}",
    "{colour} {}", "an angry {}", "a wooden {}", "a sleeping {}", "an expensive {}", "a broken {}",
    "a {} made of glass", "a {} under water", "a {} in the rain", "a {} next to a {other}",
    "the {} of my neighbour", "a snapshot of a {}", "a portrait of the {colour} {}",
    "a {} and a {other}", "a {colour} {} beside a {other}", "nobody has seen the {}",
    "a {} on the roof", "a {} from the nineteenth century", "my uncle's {}", "a dozen {}",
)  # fmt: skip
"""Phrases for these things; the colour may be one that the pictures show, the thing is not."""

SAYINGS = (
    "the stock market fell again", "justice", "they are playing chess in the park", "hungry",
    "a crowd waits for the last bus home", "how do I reset my password", "algebra", "silence",
    "two friends laughing over dinner", "the taste of salt", "yesterday", "very expensive",
    "an election in a small town", "running late", "music from the room next door", "gravity",
    "someone repairs a roof", "the smell of petrol", "wonderful", "terrifying", "philosophy",
    "nothing at all", "a list of things to buy", "breaking news", "the end of the story",
)  # fmt: skip
"""Prompts that no picture shows, or only a very different kind of picture."""

COMMON = {
    "a",
    "an",
    "the",
    "of",
    "in",
    "on",
    "to",
    "for",
    "and",
    "is",
    "it",
    "i",
    "my",
    "do",
    "how",
    "at",
    "all",
    "no",
    "two",
    "from",
    "they",
    "are",
    "over",
}
"""Words that do not make a prompt covered."""

INVENTED = 40
LETTERS = "aaabcdeeefghiijklmnoopqrrsstuuvwxyz"


@dataclass(frozen=True, slots=True)
class Known:
    """Prompts of known coverage.

    Attributes:
        plain: Covered prompts, as captions word them.
        wrapped: Covered prompts, worded as requests.
        outside: Prompts about things that the pictures do not show.
        shown: Those of `plain` that can be suggested; if empty, all of them.
    """

    plain: list[str]
    wrapped: list[str]
    outside: list[str]
    shown: frozenset[str] = frozenset()


def named(classes: Sequence[str]) -> list[str]:
    """Return plain prompts for class names."""
    return [
        frame.format(x=name.replace("_", " ")) for name in classes for frame in CLASS_FRAMES[1:8]
    ]


def wrapped(texts: Sequence[str]) -> list[str]:
    """Return every other text, worded as a request."""
    return [ASKED[i % len(ASKED)].format(text.rstrip(".!?")) for i, text in enumerate(texts[::2])]


def outside_texts(covered: Sequence[str], seed: int = 0) -> list[str]:
    """Return about three hundred prompts that name nothing that `covered` names.

    Args:
        covered: Covered prompts; the things that they name are left out.
        seed: Random seed of the invented words.
    """
    rng = random.Random(f"invented {seed}")
    known = {word for text in covered for word in words(text)}
    things = [noun for noun in NOUNS if not known & {noun, f"{noun}s"}]
    phrases = [
        FRAMES[(2 * i + 9 * turn) % len(FRAMES)].format(
            thing, colour=COLOURS[(i + 5 * turn) % len(COLOURS)], other=things[-1 - i]
        )
        for i, thing in enumerate(things)
        for turn in range(3)
    ]
    invented = [" ".join(_word(rng) for _ in range(rng.randrange(1, 6))) for _ in range(INVENTED)]
    sayings = [saying for saying in SAYINGS if not known & set(words(saying)) - COMMON]
    return list(dict.fromkeys(_with_article(text) for text in [*phrases, *invented, *sayings]))


def words(text: str) -> list[str]:
    """Return the words of a prompt, in lower case and without punctuation."""
    return re.findall(r"[^\W_]+", text.casefold())


def meaningful(text: str) -> frozenset[str]:
    """Return the words of a prompt that say what it asks for."""
    return frozenset(words(text)) - COMMON


def _with_article(text: str) -> str:
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def _word(rng: random.Random) -> str:
    return "".join(rng.choice(LETTERS) for _ in range(rng.randrange(2, 10)))
