"""Which of a judge's classes a prompt asks for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.errors import UsageError

WORD = re.compile(r"\w+")
DECIMALS = tuple("0123456789")


@dataclass(frozen=True, slots=True)
class Asked:
    """An attribute, its values, and the index of the one that the prompt names (None if none)."""

    attribute: str
    classes: tuple[str, ...]
    asked_class: int | None


def asked_for(
    prompt: str, attributes: Mapping[str, Sequence[str]], attribute: str | None = None
) -> Asked:
    """Return the first attribute of which the prompt names exactly one value.

    If there is none, return the first attribute without a requested class.

    >>> asked_for("a photo of the digit six", {"digit": ("five", "six")}).asked_class
    1
    >>> asked_for("two red roses", {"species": ("rose", "lily"), "petals": ("red",)}).classes
    ('rose', 'lily')

    Args:
        prompt: the prompt; a numeral names a digit as well.
        attributes: the attributes that the judge classifies, with their values.
        attribute: the attribute to take, whatever the prompt names.

    Raises:
        UsageError: there is no such attribute, or none at all.
    """
    if not attributes or (attribute is not None and attribute not in attributes):
        raise UsageError(
            f"no judge reads {attribute or 'anything'}",
            f"choose from: {', '.join(attributes)}" if attributes else "it has no attributes",
        )
    chosen = list(attributes) if attribute is None else [attribute]
    for name in chosen:
        asked_class = _named(prompt, attributes[name])
        if asked_class is not None:
            return Asked(name, tuple(attributes[name]), asked_class)
    return Asked(chosen[0], tuple(attributes[chosen[0]]), None)


def _named(prompt: str, values: Sequence[str]) -> int | None:
    """Return the only value whose words are all in the prompt; None for none or several."""
    typed = WORD.findall(prompt.casefold())
    # "roses" asks for a rose; a numeral asks for its digit
    words = {*typed, *(word.removesuffix("s") for word in typed)}
    words |= {word.removesuffix("es") for word in typed}
    words |= {DIGITS[int(word)] for word in typed if word in DECIMALS}
    parts = [WORD.findall(value.casefold().replace("_", " ")) for value in values]
    found = [i for i, part in enumerate(parts) if part and words.issuperset(part)]
    return found[0] if len(found) == 1 else None
