"""The prompts of an evaluation, with the facts that their pictures must show.

They are read from a file, or made from what a judge can read: digits, flowers or class names.
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
"""Attributes whose values are class names."""

CAPTIONS = 60
"""Largest number of captions of real pictures used as prompts, if there is nothing better."""

Attributes = Mapping[str, Sequence[str]]


def read_prompts(path: str | Path) -> list[PromptCase]:
    r"""Read a text file with one prompt per line, optionally a tab and the facts to be shown.

        a red rose<TAB>species=rose, petals=red
        something that no judge can read

    Raises:
        MissingInput: the file does not exist.
        DataError: a line cannot be read, or there is no prompt.
    """
    path = user_path(path)
    if not path.is_file():
        raise MissingInput(f"no such file: {path}", fix="check --prompts", param="prompts")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text", str(error), param="prompts") from error
    cases: dict[str, PromptCase] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            case = _case(line, f"{path}:{number}")
            cases.setdefault(case.prompt, case)
    if not cases:
        raise DataError(f"{path} holds no prompt", fix="write one prompt per line", param="prompts")
    return list(cases.values())


def cases_of(
    attributes: Attributes,
    *,
    plain: bool = False,
    facts: Sequence[Mapping[str, str]] = (),
    prompts: Sequence[str] = (),
    seed: int = 0,
) -> list[PromptCase]:
    """Return the prompts that suit a model.

    Args:
        attributes: the attributes that a judge reads, with their values; empty without a judge.
        plain: use bare class names, because the embedder knows nothing else.
        facts: facts of real pictures, whose captions are used if there is nothing better.
        prompts: the model's own example prompts, used if nothing else is known.
        seed: random seed of the wording of flower prompts and of the choice of captions.

    Raises:
        UsageError: there is nothing to make prompts from.
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
        "there are no prompts to evaluate",
        "there is no judge, and there are neither labels, captions nor prompts",
        "give a file with one prompt per line: --prompts FILE",
        param="prompts",
    )


def digit_cases(
    digits: Sequence[str] = DIGITS, phrasings: Sequence[str] = DIGIT_PHRASINGS
) -> list[PromptCase]:
    """Return every digit in every phrasing, digit by digit.

    Args:
        digits: digits as words; other words are left out.
        phrasings: templates with `{word}`, `{Word}` or `{numeral}` in place of the digit.
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
    """Return every species in every petal colour, each in one random phrasing."""
    rng = random.Random(f"flower prompts {seed}")
    cases = []
    for species in attributes["species"]:
        for petals in attributes["petals"]:
            facts = {"species": species, "petals": petals}
            cases.append(flower_case(rng.choice(FLOWER_PHRASINGS), facts))
    return cases


def flower_case(phrasing: str, facts: Mapping[str, str]) -> PromptCase:
    """Return one phrasing of the facts, with "an" before "orange"."""
    text = phrasing.format(**facts).replace("a orange", "an orange")
    return PromptCase(text.replace("A orange", "An orange"), dict(facts))


def label_cases(name: str, labels: Sequence[str], plain: bool = False) -> list[PromptCase]:
    """Return every label of the attribute `name`, bare and, unless `plain`, as "a photo of a"."""
    phrasings = LABEL_PHRASINGS[:1] if plain else LABEL_PHRASINGS
    return [
        PromptCase(phrasing.format(label=label if plain else _words(label)), {name: label})
        for label in labels
        for phrasing in phrasings
    ]


def fewer(cases: Sequence[PromptCase], most: int) -> list[PromptCase]:
    """Return at most `most` evenly spaced cases."""
    if len(cases) <= most:
        return list(cases)
    return [cases[i * len(cases) // most] for i in range(most)]


def meaning(case: PromptCase) -> str:
    """Return the same text for all prompts that ask for the same: the facts, or the prompt."""
    if not case.facts:
        return case.prompt
    return ", ".join(f"{name}={value}" for name, value in sorted(case.facts.items()))


def _case(line: str, place: str) -> PromptCase:
    text, _, stated = line.partition("\t")
    facts = {}
    for pair in filter(None, (part.strip() for part in stated.split(","))):
        name, sign, value = (part.strip() for part in pair.partition("="))
        if not (sign and name and value):
            raise DataError(
                f"{place}: {pair!r} is not a fact",
                "a fact is written name=value",
                "for example: a red rose<TAB>species=rose, petals=red",
                param="prompts",
            )
        facts[name] = value
    try:
        return PromptCase(checked_prompt(text.strip()), facts)
    except UsageError as error:
        raise DataError(f"{place}: {error.what}", error.why, param="prompts") from error


def _words(label: str) -> str:
    return label.replace("_", " ").replace("/", " or ")
