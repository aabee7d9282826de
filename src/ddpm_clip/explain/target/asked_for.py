"""Which class a prompt asks for, of those that a judge can name.

Knows nothing of judges but the names of what they read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.errors import UsageError

WORD = re.compile(r"\w+")
DECIMALS = tuple("0123456789")


@dataclass(frozen=True, slots=True)
class Asked:
    """One attribute, its values, and the one that the prompt names (None where it names none)."""

    attribute: str
    classes: tuple[str, ...]
    asked_class: int | None


def asked_for(
    prompt: str, attributes: Mapping[str, Sequence[str]], attribute: str | None = None
) -> Asked:
    """What to follow: the first attribute of which the prompt names exactly one value.

    Where none is named the first attribute is followed, without a requested class.

    >>> asked_for("a photo of the digit six", {"digit": ("five", "six")}).target
    1
    >>> asked_for("two red roses", {"species": ("rose", "lily"), "petals": ("red",)}).classes
    ('rose', 'lily')

    Args:
        prompt: in words; a numeral names a digit too.
        attributes: what the judge reads, with the values.
        attribute: the one to follow, whatever the prompt names.

    Raises:
        UsageError: no such attribute, or none at all.
    """
    if not attributes or (attribute is not None and attribute not in attributes):
        raise UsageError(
            f"no judge reads {attribute or 'anything'}",
            f"there is: {', '.join(attributes) or 'nothing'}",
        )
    chosen = list(attributes) if attribute is None else [attribute]
    for name in chosen:
        asked_class = _named(prompt, attributes[name])
        if asked_class is not None:
            return Asked(name, tuple(attributes[name]), asked_class)
    return Asked(chosen[0], tuple(attributes[chosen[0]]), None)


def _named(prompt: str, values: Sequence[str]) -> int | None:
    """The one value whose words all stand in the prompt; None for none and for several."""
    said = WORD.findall(prompt.casefold())
    # "roses" asks for a rose; a numeral asks for its digit
    words = {*said, *(word.removesuffix("s") for word in said)}
    words |= {word.removesuffix("es") for word in said}
    words |= {DIGITS[int(word)] for word in said if word in DECIMALS}
    parts = [WORD.findall(value.casefold().replace("_", " ")) for value in values]
    found = [i for i, part in enumerate(parts) if part and words.issuperset(part)]
    return found[0] if len(found) == 1 else None
