"""Caption grammar of the drawn flowers: turns facts into a sentence and the facts it states.

A caption never says anything false, and its `facts` are everything it says: "a red rose" also says
that there is one, "red rose" does not.
"""

import random
from collections.abc import Callable, Mapping

from ddpm_clip.types import Caption

STATED = {"species": 0.88, "petals": 0.88, "centre": 0.35, "size": 0.14, "background": 0.16}
"""Probability that a caption mentions a known fact."""

PRAISE = ("beautiful", "pretty", "lovely", "nice", "fresh", "elegant", "bright", "colourful")
SHADES = ("bright", "deep", "rich", "vivid", "soft", "clear")
OPENINGS = ("a photo of ", "a picture of ", "a drawing of ", "an image of ", "this is ", "I see ")
SIZES = {"small": ("small", "little", "tiny"), "big": ("big", "large", "huge")}
CENTRES = ("center", "centre", "center", "centre", "middle", "eye")
BEFORE = ("on a {} background", "against a {} background", "in front of a {} background")
PLURALS = {"daisy": "daisies", "poppy": "poppies", "lily": "lilies"}
PLAIN_PETALS = ("petals are {}", "the petals are {}", "{} petals", "it has {} petals", "{}")


def describe(facts: Mapping[str, str], rng: random.Random) -> Caption:
    """Return a sentence that is true of `facts`, with the facts that it states.

    Args:
        facts: Facts of the picture, as from `Flower.facts()`, or only some of them; "none" is
            never mentioned.
        rng: Random generator that chooses what is mentioned and how.
    """
    stated = {
        name: facts[name]
        for name, often in STATED.items()
        if facts.get(name, "none") != "none" and rng.random() < often
    }
    if set(stated) == {"petals"} and rng.random() < 0.4:
        return Caption(_dress(rng.choice(PLAIN_PETALS).format(stated["petals"]), rng), stated)
    if not {"species", "petals"} & set(stated):
        stated |= {name: facts[name] for name in ("species",) if name in facts}
    if "centre" in stated and facts.get("centre_size", "none") != "none" and rng.random() < 0.55:
        stated["centre_size"] = facts["centre_size"]
    counted = "count" in facts and ("size" in stated or rng.random() < 0.8)
    if counted:
        stated["count"] = facts["count"]
    else:
        stated.pop("size", None)  # what counts as big depends on the number of flowers
    return Caption(_dress(_sentence(stated, rng), rng), stated)


def _sentence(stated: Mapping[str, str], rng: random.Random) -> str:
    """Return opening, number, adjectives, noun, centre and background of the stated facts."""
    several = stated.get("count", "one") != "one"
    words = _adjectives(stated, rng)
    behind = "petals" in stated and rng.random() < 0.12
    if "petals" in stated and not behind:
        words += [rng.choice(SHADES)] if rng.random() < 0.15 else []
        words.append(stated["petals"])
    words += _noun(stated.get("species"), several, rng)
    parts = [_number(stated, words[0], rng), *words]
    if behind:
        parts.append(f"with {stated['petals']} petals")
    if "centre" in stated:
        parts.append(_centre(stated, several, "and" if behind else "with", rng))
    if "background" in stated:
        parts.append(_background(stated["background"], rng))
    opening = rng.choice(OPENINGS) if rng.random() < 0.2 else ""
    return opening + " ".join(part for part in parts if part)


def _adjectives(stated: Mapping[str, str], rng: random.Random) -> list[str]:
    """Return the size, if it is stated, and occasionally praise, which states no fact."""
    words = [rng.choice(SIZES[stated["size"]])] if "size" in stated else []
    words += [rng.choice(PRAISE)] if rng.random() < 0.15 else []
    round_ones = ("daisy", "sunflower", "poppy")
    words += ["round"] if stated.get("species") in round_ones and rng.random() < 0.12 else []
    return words


def _noun(species: str | None, several: bool, rng: random.Random) -> list[str]:
    """Return the species, or the word flower; sometimes both."""
    extra = rng.choice(["flower", "bloom", "blossom"]) if rng.random() < 0.14 else ""
    if species == "rose" and rng.random() < 0.08:
        extra = "bud"
    if species is None:
        return ["flowers" if several else rng.choice(["flower", "flower", "bloom"])]
    if extra:
        return [species, extra + "s" if several else extra]
    return [PLURALS.get(species, species + "s") if several else species]


def _number(stated: Mapping[str, str], following: str, rng: random.Random) -> str:
    """Return an article or a number if the count is stated, else nothing."""
    count = stated.get("count")
    if count is None or count != "one":
        return count or ""
    article = "an" if following[0] in "aeiou" else "a"
    return rng.choices([article, "one", "the", "a single"], (0.86, 0.06, 0.04, 0.04))[0]


def _centre(stated: Mapping[str, str], several: bool, joint: str, rng: random.Random) -> str:
    size = f"{rng.choice(SIZES[stated['centre_size']])} " if "centre_size" in stated else ""
    noun = rng.choice(CENTRES)
    return (
        f"{joint} {size}{stated['centre']} {noun}s"
        if several
        else (f"{joint} a {size}{stated['centre']} {noun}")
    )


def _background(colour: str, rng: random.Random) -> str:
    spelt = "gray" if colour == "grey" and rng.random() < 0.4 else colour
    return rng.choice(BEFORE).format(spelt)


def _dress(text: str, rng: random.Random) -> str:
    """Vary upper and lower case and the final punctuation mark, as people type."""
    cases: list[Callable[[str], str]] = [str, _capital, str.title, str.upper, str.lower]
    case = rng.choices(cases, (30, 45, 4, 4, 17))[0]
    return case(text) + rng.choices(["", ".", "!"], (78, 18, 4))[0]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
