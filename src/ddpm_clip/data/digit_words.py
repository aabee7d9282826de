"""Caption grammar of handwritten digits: words, numerals, and sentences around them.

Knows nothing of pictures; the fact it states is {"digit": "six"}.
"""

import random

from ddpm_clip.types import Caption

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SYNONYMS = {
    "zero": ("nought", "null"), "one": ("single one",), "two": ("pair two",), "four": ("for four",),
    "three": ("tree three",), "seven": ("sevn",), "eight": ("eigth",), "nine": ("nin",),
}  # fmt: skip
FRAMES = (
    "{x}", "{x}", "{x}", "a {x}", "the {x}", "digit {x}", "number {x}", "the number {x}",
    "a digit {x}", "the numeral {x}", "a picture of a {x}", "a photo of the number {x}",
    "a drawing of {x}", "{x} written by hand", "handwriting of the digit {x}", "an image of {x}",
    "a single handwritten digit: {x}", "{x} in white on black", "someone wrote {x}", "white {x}",
    "draw {x}", "please write a {x}", "show me {x}", "figure {x}", "mnist {x}", "the value {x}",
)  # fmt: skip
WORDS = (
    "nice", "small", "old", "clear", "hand", "ink", "paper", "pencil", "line", "shape", "black",
    "white", "curved", "sketch", "simple", "page", "bold", "clean", "plain", "round", "thin",
    "thick", "some", "this", "that", "here", "very", "with", "and", "for", "from", "like", "just",
    "big",
)  # fmt: skip
SYLLABLES = (
    "ba", "be", "bi", "bo", "ca", "ce", "co", "da", "de", "do", "er", "es", "fa", "fi", "fo",
    "ga", "gi", "go", "ha", "he", "ho", "in", "ja", "ka", "ki", "la", "le", "li", "lo", "ma",
    "me", "mi", "mo", "na", "ni", "no", "ou", "pa", "pe", "po", "ra", "re", "ri", "ro", "sa",
    "se", "so", "ta", "ti", "to", "un", "va", "vi", "wa", "we", "wo", "ya", "th", "sh", "ch",
    "st",
)  # fmt: skip


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


def chatter(rng: random.Random) -> str:
    """A word that says nothing of digits: a common one, or one that nobody has ever heard.

    Invented words teach the text tower to find the digit among words that it does not know.
    """
    if rng.random() < 0.35:
        return rng.choice(WORDS)
    return "".join(rng.choices(SYLLABLES, k=rng.randrange(1, 4)))


def describe(facts: dict[str, str], rng: random.Random) -> Caption:
    """One caption of a digit. Most of them stand among words that mean nothing here.

    Args:
        facts: {"digit": one of `DIGITS`}.
        rng: draws frame, spelling, filler and punctuation.
    """
    x = spell(facts["digit"], rng)
    if rng.random() < 0.4:
        text = rng.choice(FRAMES).format(x=x)
    else:
        before, after = rng.randrange(8), rng.randrange(6)
        filler = [chatter(rng) for _ in range(before + after)]
        text = " ".join([*filler[:before], x + rng.choice(("", "", ",")), *filler[before:]])
    text += rng.choice(("", "", "", "", ".", "!", "?"))
    return Caption(text.capitalize() if rng.random() < 0.2 else text, dict(facts))
