"""Caption grammar of handwritten digits: as words or numerals, with how they are written.

Facts are {"digit": "six"} and, if measured, its stroke, slant, size and shape compared to other
sixes.
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
"""Adjectives that come before the digit."""

TAILS = {
    "thin": ("with thin strokes", "with a fine pen", "drawn thinly"),
    "thick": ("with thick strokes", "with a heavy pen", "in bold"),
    "left": ("slanted to the left", "leaning left", "that leans to the left", "tilted left"),
    "right": ("slanted to the right", "leaning right", "that leans to the right", "tilted right"),
    "upright": ("standing upright", "that stands straight"),
    "small": ("in a small size",), "big": ("in a large size",),
    "narrow": ("that is narrow",), "wide": ("that is wide",),
}  # fmt: skip
"""Phrases that follow the digit."""

MEANING = {
    word
    for named in ADJECTIVES.values()
    for words in named.values()
    for phrase in words
    for word in phrase.split()
} - {"and"} | set(DIGITS)
"""Words with a meaning here, which must not be used as filler."""

STATED = 0.3
"""Probability that a caption mentions a known attribute."""

UNSAID = 0.06
"""Probability that a caption with attributes does not name the digit: "a thick digit"."""

OTHER_WORDS = {"there"}
"""Words that exchanging two letters of a digit makes, but that mean something else."""


def exchanged(digit: str, at: int) -> str:
    """Exchange the letters `at` and `at + 1` of a digit, unless that makes another word."""
    found = digit[:at] + digit[at + 1] + digit[at] + digit[at + 2 :]
    return digit if found in OTHER_WORDS else found


def spell(digit: str, rng: random.Random) -> str:
    """Return the digit as a word, a numeral, or occasionally a synonym or a misspelling."""
    draw = rng.random()
    if draw < 0.42:
        return str(DIGITS.index(digit))
    if draw < 0.5 and digit in SYNONYMS:
        return rng.choice(SYNONYMS[digit])
    if draw < 0.56 and len(digit) > 3:
        return exchanged(digit, rng.randrange(1, len(digit) - 1))
    return digit


def describe(facts: Mapping[str, str], rng: random.Random) -> Caption:
    """Return one caption of a digit, often surrounded by unrelated words.

    Args:
        facts: {"digit": one of `DIGITS`}, optionally with keys of `ADJECTIVES`.
        rng: Random generator that chooses what is mentioned, sentence, spelling, filler and
            punctuation.
    """
    stated = {name: facts[name] for name in ADJECTIVES if name in facts and rng.random() < STATED}
    if stated and rng.random() < UNSAID:
        x = rng.choice(("digit", "number", "figure"))
    else:
        stated["digit"], x = facts["digit"], spell(facts["digit"], rng)
    phrase = _phrase(x, stated, rng)
    text = rng.choice(FRAMES).format(x=phrase) if rng.random() < 0.45 else _among(phrase, rng)
    text += rng.choice(("", "", "", "", ".", "!", "?"))
    return Caption(text.capitalize() if rng.random() < 0.2 else text, stated)


def _phrase(x: str, stated: Mapping[str, str], rng: random.Random) -> str:
    """Return the digit with its attributes before and after it, in random order."""
    before: list[str] = []
    behind: list[str] = []
    for name in rng.sample(sorted(stated.keys() - {"digit"}), len(stated.keys() - {"digit"})):
        if rng.random() < 0.7:
            before.append(rng.choice(ADJECTIVES[name][stated[name]]))
        else:
            behind.append(rng.choice(TAILS[stated[name]]))
    joint = rng.choice((" ", " ", ", ", " and "))
    return " ".join(part for part in (joint.join(before), x, " and ".join(behind)) if part)


def _among(phrase: str, rng: random.Random) -> str:
    """Return the phrase among up to a dozen unrelated words."""
    most = max(2, 8 - len(phrase) // 8)  # the text encoder reads about ninety characters
    before, after = rng.randrange(most), rng.randrange(most * 3 // 4 + 1)
    filler = [word for word in (chatter(rng) for _ in range(before + after)) if word not in MEANING]
    return " ".join([*filler[:before], phrase + rng.choice(("", "", ",")), *filler[before:]])
