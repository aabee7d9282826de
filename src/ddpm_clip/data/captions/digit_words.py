"""Caption grammar of handwritten digits: words, numerals, how they are written, and sentences.

Facts are {"digit": "six"} and, where it was measured, its stroke, slant, size and shape beside
other sixes. Knows nothing of pictures.
"""

import random
from collections.abc import Mapping

from ddpm_clip.data.captions.unrelated_words import chatter
from ddpm_clip.types import Caption

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SYNONYMS = {
    "zero": ("nought", "null"),
    "one": ("single one",),
    "two": ("pair two",),
    "four": ("for four",),
    "three": ("tree three",),
    "seven": ("sevn",),
    "eight": ("eigth",),
    "nine": ("nin",),
}
FRAMES = (
    "{x}", "{x}", "{x}", "a {x}", "the {x}", "digit {x}", "number {x}", "the number {x}",
    "a digit {x}", "the numeral {x}", "a picture of a {x}", "a photo of the number {x}",
    "a drawing of {x}", "{x} written by hand", "handwriting of the digit {x}", "an image of {x}",
    "a single handwritten digit: {x}", "{x} in white on black", "someone wrote {x}", "white {x}",
    "draw {x}", "please write a {x}", "show me {x}", "figure {x}", "mnist {x}", "the value {x}",
)  # fmt: skip
ADJECTIVES: dict[str, dict[str, tuple[str, ...]]] = {
    "stroke": {
        "thin": ("thin", "thin", "fine", "light", "skinny", "delicate"),
        "thick": ("thick", "thick", "bold", "fat", "heavy", "chunky"),
    },
    "slant": {
        "left": ("left-slanted", "left-leaning", "slanted left", "backward leaning"),
        "right": ("right-slanted", "right-leaning", "slanted right", "italic"),
        "upright": ("upright", "upright", "straight", "vertical"),
    },
    "size": {
        "small": ("small", "small", "little", "tiny"), "big": ("big", "big", "large", "huge"),
    },
    "shape": {
        "narrow": ("narrow", "narrow", "slim", "tall and narrow"),
        "wide": ("wide", "wide", "broad", "stretched"),
    },
}  # fmt: skip
"""What stands before the digit."""

TAILS = {
    "thin": ("with thin strokes", "with a fine pen", "drawn thinly"),
    "thick": ("with thick strokes", "with a heavy pen", "in bold"),
    "left": ("slanted to the left", "leaning left", "that leans to the left", "tilted left"),
    "right": ("slanted to the right", "leaning right", "that leans to the right", "tilted right"),
    "upright": ("standing upright", "that stands straight"),
    "small": ("in a small size",), "big": ("in a large size",),
    "narrow": ("that is narrow",), "wide": ("that is wide",),
}  # fmt: skip
"""What stands behind it."""

MEANING = {
    word
    for named in ADJECTIVES.values()
    for words in named.values()
    for phrase in words
    for word in phrase.split()
} - {"and"} | set(DIGITS)
"""Words that filler must not be."""

STATED = 0.3
"""How often a caption mentions an attribute that is there to be mentioned."""

UNSAID = 0.06
"""How often a caption with attributes leaves the digit open: "a thick digit"."""


def spell(digit: str, rng: random.Random) -> str:
    """The digit as a word, a numeral, or now and then a synonym or a misspelling."""
    draw = rng.random()
    if draw < 0.42:
        return str(DIGITS.index(digit))
    if draw < 0.5 and digit in SYNONYMS:
        return rng.choice(SYNONYMS[digit])
    if draw < 0.56 and len(digit) > 3:
        at = rng.randrange(1, len(digit) - 1)
        return digit[:at] + digit[at + 1] + digit[at] + digit[at + 2 :]
    return digit


def describe(facts: Mapping[str, str], rng: random.Random) -> Caption:
    """One caption of a digit; many of them stand among words that mean nothing here.

    Args:
        facts: {"digit": one of `DIGITS`}, perhaps with keys of `ADJECTIVES`.
        rng: draws what is mentioned, frame, spelling, filler and punctuation.
    """
    told = {name: facts[name] for name in ADJECTIVES if name in facts and rng.random() < STATED}
    if told and rng.random() < UNSAID:
        x = rng.choice(("digit", "number", "figure"))
    else:
        told["digit"], x = facts["digit"], spell(facts["digit"], rng)
    phrase = _phrase(x, told, rng)
    text = rng.choice(FRAMES).format(x=phrase) if rng.random() < 0.45 else _among(phrase, rng)
    text += rng.choice(("", "", "", "", ".", "!", "?"))
    return Caption(text.capitalize() if rng.random() < 0.2 else text, told)


def _phrase(x: str, told: Mapping[str, str], rng: random.Random) -> str:
    """The digit with its attributes before it and behind it, in any order."""
    before: list[str] = []
    behind: list[str] = []
    for name in rng.sample(sorted(told.keys() - {"digit"}), len(told.keys() - {"digit"})):
        if rng.random() < 0.7:
            before.append(rng.choice(ADJECTIVES[name][told[name]]))
        else:
            behind.append(rng.choice(TAILS[told[name]]))
    joint = rng.choice((" ", " ", ", ", " and "))
    return " ".join(part for part in (joint.join(before), x, " and ".join(behind)) if part)


def _among(phrase: str, rng: random.Random) -> str:
    """The phrase among up to a dozen words that say nothing."""
    most = max(2, 8 - len(phrase) // 8)  # a tower reads some ninety characters
    before, after = rng.randrange(most), rng.randrange(most * 3 // 4 + 1)
    filler = [word for word in (chatter(rng) for _ in range(before + after)) if word not in MEANING]
    return " ".join([*filler[:before], phrase + rng.choice(("", "", ",")), *filler[before:]])
