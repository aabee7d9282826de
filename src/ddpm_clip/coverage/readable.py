"""Which captions can be suggested as prompts: spelt correctly, and saying only what is meant.

The captions of a mini-CLIP are made to be robust: some are misspelt, shouted, or hidden among
words that mean nothing for the pictures. They help in training, but nobody should be told to ask
for "Digit seevn".
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from ddpm_clip.coverage.texts import words
from ddpm_clip.data.captions.digit_words import (
    ADJECTIVES,
    DIGITS,
    FRAMES,
    SYNONYMS,
    TAILS,
    exchanged,
)
from ddpm_clip.data.captions.unrelated_words import SYLLABLES
from ddpm_clip.data.captions.unrelated_words import WORDS as FILLER

OFTEN_ENOUGH = 2
"""A word of fewer captions may be a slip of somebody's pen."""

ENOUGH = 12
"""So many plain texts are enough to choose from."""

INVENTED = re.compile(f"(?:{'|'.join(SYLLABLES)}){{1,3}}")


def readable(bank: Sequence[str], classes: Sequence[str] = ()) -> Callable[[str], bool]:
    """Return a function that tells whether a text can be suggested as a prompt.

    Args:
        bank: All captions that are known, to tell rare words from usual ones.
        classes: Classes of the pictures; their names are always fine.
    """
    counts = Counter(word for text in bank for word in set(words(text)))
    names = {word for name in classes for word in words(name)}
    noisy = bool(names) and names <= set(DIGITS)  # only the captions of digits hold filler

    def fine(word: str) -> bool:
        if word in names or word in _MEANT:
            return True
        if noisy and (word in _ODD or word in FILLER or INVENTED.fullmatch(word)):
            return False
        return counts[word] >= OFTEN_ENOUGH

    return lambda text: all(fine(word) for word in words(text))


def suggestible(
    texts: Sequence[str], bank: Sequence[str], classes: Sequence[str] = ()
) -> frozenset[str]:
    """Return those of the texts that can be suggested; where enough are plain, only plain ones."""
    found = list(filter(readable(bank, classes), texts))
    plain = [text for text in found if not blemishes(text)]
    return frozenset(plain if len(plain) >= ENOUGH else found)


def blemishes(text: str) -> int:
    """Return how far a text is from a plain phrase: its capitals and punctuation marks."""
    marks = sum(not (letter.isalnum() or letter in " -'") for letter in text)
    return sum(letter.isupper() for letter in text) + marks


_MEANT = {
    word
    for text in (
        *FRAMES,
        *DIGITS,
        *(phrase for named in ADJECTIVES.values() for one in named.values() for phrase in one),
        *(phrase for one in TAILS.values() for phrase in one),
    )
    for word in words(text)
} | {str(number) for number in range(10)}
"""Words of the captions of digits that mean something."""

_ODD = {word for texts in SYNONYMS.values() for text in texts for word in words(text)} | {
    exchanged(digit, at) for digit in DIGITS for at in range(1, len(digit) - 1)
}
"""Misspellings of digits, and other names that help a reader of captions only."""
