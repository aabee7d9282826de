"""Which prompts an evaluation asks, and which facts their pictures must show.

From a file, or made from what a judge can read: digits, flowers, or the names of labels. Knows
nothing of painting or judging.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.embedders.prompts import checked_prompt
from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.evaluation.prompts.success import PromptCase
from ddpm_clip.utils.untrusted import user_path

WORD = "{word}"
DIGIT_PHRASINGS = (WORD, "{numeral}", "the digit {word}", "a handwritten {word}")
FLOWER_PHRASINGS: tuple[str, ...] = (
    "a {petals} {species}", "one {species} with {petals} petals",
    "a picture of a {petals} {species}", "could you draw a {petals} {species}?",
    "A {species}. Its petals are {petals}.",
)  # fmt: skip
LABEL_PHRASINGS = ("{label}", "a photo of a {label}")

LABELS = ("label", "species", "digit")
"""Attributes whose values are the names of classes."""

CAPTIONS = 60
"""Captions of real pictures that are asked, where nothing else is known of them."""

Attributes = Mapping[str, Sequence[str]]


def read_prompts(path: str | Path) -> list[PromptCase]:
    r"""The prompts of a text file, one a line; after a tab the facts that the picture must show.

        a red rose<TAB>species=rose, petals=red
        something that no judge can read

    Raises:
        MissingInput: no such file. DataError: a line that cannot be read, or none at all.
    """
    path = user_path(path)
    if not path.is_file():
        raise MissingInput(f"no such file: {path}", fix="check --prompts", param="prompts")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8", str(error), param="prompts") from error
    cases: dict[str, PromptCase] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            case = _case(line, f"{path}:{number}")
            cases.setdefault(case.prompt, case)
    if not cases:
        raise DataError(f"{path} holds no prompt", fix="one a line", param="prompts")
    return list(cases.values())


def cases_of(
    attributes: Attributes,
    *,
    plain: bool = False,
    facts: Sequence[Mapping[str, str]] = (),
    prompts: Sequence[str] = (),
    seed: int = 0,
) -> list[PromptCase]:
    """The prompts that a person would ask this kind of model.

    Args:
        attributes: what a judge reads, with the values; empty where there is no judge.
        plain: ask with the bare names of labels, since the embedder knows nothing else.
        facts: of real pictures; their captions are asked where there is nothing better.
        prompts: a model's own examples, asked where nothing is known at all.
        seed: of the wordings of flowers and the choice of captions.

    Raises:
        UsageError: there is nothing to ask.
    """
    if "digit" in attributes and not plain:
        return digit_cases(attributes["digit"])
    if {"species", "petals"} <= attributes.keys() and not plain:
        return flower_cases(attributes, seed)
    for name in LABELS:
        if name in attributes:
            return label_cases(name, attributes[name], plain)
    captions = sorted({one["caption"] for one in facts if one.get("caption", "").strip()})
    if captions:
        chosen = random.Random(seed).sample(captions, min(CAPTIONS, len(captions)))
        return [PromptCase(checked_prompt(text), {}) for text in dict.fromkeys(chosen)]
    if prompts:
        return [PromptCase(prompt, {}) for prompt in dict.fromkeys(prompts)]
    raise UsageError(
        "there is nothing to ask",
        "no judge, no labels, no captions, no prompts",
        "--prompts FILE, one a line",
        param="prompts",
    )


def digit_cases(
    digits: Sequence[str] = DIGITS, phrasings: Sequence[str] = DIGIT_PHRASINGS
) -> list[PromptCase]:
    """Every digit in every phrasing, digit by digit.

    Args:
        digits: their words; what is no digit is left out.
        phrasings: with `{word}`, `{Word}` or `{numeral}` where the digit stands.
    """
    return [
        PromptCase(
            phrasing.format(word=digit, Word=digit.capitalize(), numeral=DIGITS.index(digit)),
            {"digit": digit},
        )
        for digit in digits
        if digit in DIGITS
        for phrasing in phrasings
    ]


def flower_cases(attributes: Attributes, seed: int = 0) -> list[PromptCase]:
    """Every species in every petal colour, each in one wording by lot."""
    rng = random.Random(f"flower prompts {seed}")
    cases = []
    for species in attributes["species"]:
        for petals in attributes["petals"]:
            facts = {"species": species, "petals": petals}
            cases.append(flower_case(rng.choice(FLOWER_PHRASINGS), facts))
    return cases


def flower_case(phrasing: str, facts: Mapping[str, str]) -> PromptCase:
    """One phrasing of the facts, with the article that an orange takes."""
    text = phrasing.format(**facts).replace("a orange", "an orange")
    return PromptCase(text.replace("A orange", "An orange"), dict(facts))


def label_cases(name: str, labels: Sequence[str], plain: bool = False) -> list[PromptCase]:
    """Every label of the attribute `name`: bare, and unless `plain` as a photo."""
    phrasings = LABEL_PHRASINGS[:1] if plain else LABEL_PHRASINGS
    return [
        PromptCase(phrasing.format(label=label if plain else _words(label)), {name: label})
        for label in labels
        for phrasing in phrasings
    ]


def fewer(cases: Sequence[PromptCase], most: int) -> list[PromptCase]:
    """At most `most` of them, evenly from first to last."""
    if len(cases) <= most:
        return list(cases)
    return [cases[i * len(cases) // most] for i in range(most)]


def meaning(case: PromptCase) -> str:
    """One text for all prompts that ask for the same: the facts, or else the prompt itself."""
    if not case.facts:
        return case.prompt
    return ", ".join(f"{name}={value}" for name, value in sorted(case.facts.items()))


def _case(line: str, place: str) -> PromptCase:
    text, _, said = line.partition("\t")
    facts = {}
    for pair in filter(None, (part.strip() for part in said.split(","))):
        name, sign, value = (part.strip() for part in pair.partition("="))
        if not (sign and name and value):
            raise DataError(
                f"{place}: {pair!r} is no fact",
                "a fact is name=value",
                "a red rose<TAB>species=rose, petals=red",
                param="prompts",
            )
        facts[name] = value
    try:
        return PromptCase(checked_prompt(text.strip()), facts)
    except UsageError as error:
        raise DataError(f"{place}: {error.what}", error.why, param="prompts") from error


def _words(label: str) -> str:
    return label.replace("_", " ").replace("/", " or ")
