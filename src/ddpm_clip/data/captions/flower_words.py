"""The grammar of the drawn flowers' captions: facts in, a sentence and what it states out.

A caption never says what is not so, and its `facts` are everything that it says: "a red rose"
also says that there is one, "red rose" does not. Knows nothing of pictures.
"""

import random
from collections.abc import Callable, Mapping

from ddpm_clip.types import Caption

STATED = {"species": 0.88, "petals": 0.88, "centre": 0.35, "size": 0.14, "background": 0.16}
"""How often a caption mentions a fact that is there to be mentioned."""

PRAISE = ("beautiful", "pretty", "lovely", "nice", "fresh", "elegant", "bright", "colourful")
SHADES = ("bright", "deep", "rich", "vivid", "soft", "clear")
OPENINGS = ("a photo of ", "a picture of ", "a drawing of ", "an image of ", "this is ", "I see ")
SIZES = {"small": ("small", "little", "tiny"), "big": ("big", "large", "huge")}
CENTRES = ("center", "centre", "center", "centre", "middle", "eye")
BEFORE = ("on a {} background", "against a {} background", "in front of a {} background")
PLURALS = {"daisy": "daisies", "poppy": "poppies", "lily": "lilies"}
PLAIN_PETALS = ("petals are {}", "the petals are {}", "{} petals", "it has {} petals", "{}")


def describe(facts: Mapping[str, str], rng: random.Random) -> Caption:
    """A sentence that is true of `facts`, and the part of them that it states.

    Args:
        facts: What is so, as `Flower.facts()` gives it; "none" is never mentioned. Fewer facts
            than a flower has are fine.
        rng: Decides what is mentioned and how.
    """
    told = {
        name: facts[name]
        for name, often in STATED.items()
        if facts.get(name, "none") != "none" and rng.random() < often
    }
    if set(told) == {"petals"} and rng.random() < 0.4:
        return Caption(_dress(rng.choice(PLAIN_PETALS).format(told["petals"]), rng), told)
    if not {"species", "petals"} & set(told):
        told |= {name: facts[name] for name in ("species",) if name in facts}
    if "centre" in told and facts.get("centre_size", "none") != "none" and rng.random() < 0.55:
        told["centre_size"] = facts["centre_size"]
    counted = "count" in facts and ("size" in told or rng.random() < 0.8)
    if counted:
        told["count"] = facts["count"]
    else:
        told.pop("size", None)  # how big a flower is depends on how many there are
    return Caption(_dress(_sentence(told, rng), rng), told)


def _sentence(told: Mapping[str, str], rng: random.Random) -> str:
    """Opening, number, adjectives, noun, centre, background; only what is told, in any wording."""
    several = told.get("count", "one") != "one"
    words = _adjectives(told, rng)
    behind = "petals" in told and rng.random() < 0.12
    if "petals" in told and not behind:
        words += [rng.choice(SHADES)] if rng.random() < 0.15 else []
        words.append(told["petals"])
    words += _noun(told.get("species"), several, rng)
    parts = [_number(told, words[0], rng), *words]
    if behind:
        parts.append(f"with {told['petals']} petals")
    if "centre" in told:
        parts.append(_centre(told, several, "and" if behind else "with", rng))
    if "background" in told:
        parts.append(_background(told["background"], rng))
    opening = rng.choice(OPENINGS) if rng.random() < 0.2 else ""
    return opening + " ".join(part for part in parts if part)


def _adjectives(told: Mapping[str, str], rng: random.Random) -> list[str]:
    """The size where it is told, and now and then praise, which says nothing."""
    words = [rng.choice(SIZES[told["size"]])] if "size" in told else []
    words += [rng.choice(PRAISE)] if rng.random() < 0.15 else []
    round_ones = ("daisy", "sunflower", "poppy")
    words += ["round"] if told.get("species") in round_ones and rng.random() < 0.12 else []
    return words


def _noun(species: str | None, several: bool, rng: random.Random) -> list[str]:
    """The species, or the word flower; sometimes both."""
    extra = rng.choice(["flower", "bloom", "blossom"]) if rng.random() < 0.14 else ""
    if species == "rose" and rng.random() < 0.08:
        extra = "bud"
    if species is None:
        return ["flowers" if several else rng.choice(["flower", "flower", "bloom"])]
    if extra:
        return [species, extra + "s" if several else extra]
    return [PLURALS.get(species, species + "s") if several else species]


def _number(told: Mapping[str, str], following: str, rng: random.Random) -> str:
    """An article or a number where the count is told, else nothing."""
    count = told.get("count")
    if count is None or count != "one":
        return count or ""
    article = "an" if following[0] in "aeiou" else "a"
    return rng.choices([article, "one", "the", "a single"], (0.86, 0.06, 0.04, 0.04))[0]


def _centre(told: Mapping[str, str], several: bool, joint: str, rng: random.Random) -> str:
    size = f"{rng.choice(SIZES[told['centre_size']])} " if "centre_size" in told else ""
    noun = rng.choice(CENTRES)
    return (
        f"{joint} {size}{told['centre']} {noun}s"
        if several
        else (f"{joint} a {size}{told['centre']} {noun}")
    )


def _background(colour: str, rng: random.Random) -> str:
    spelt = "gray" if colour == "grey" and rng.random() < 0.4 else colour
    return rng.choice(BEFORE).format(spelt)


def _dress(text: str, rng: random.Random) -> str:
    """Upper and lower case and a mark at the end, as people type."""
    cases: list[Callable[[str], str]] = [str, _capital, str.title, str.upper, str.lower]
    case = rng.choices(cases, (30, 45, 4, 4, 17))[0]
    return case(text) + rng.choices(["", ".", "!"], (78, 18, 4))[0]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
