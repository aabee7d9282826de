"""The same prompt for other classes: "a six" becomes "an eight"."""

import re

from ddpm_clip.explain.target.analysis_target import AnalysisTarget

VOWEL = re.compile(r"(?!one\b|uni|eu)[aeiou]", re.IGNORECASE)
"""Beginning of a word that takes "an"; rare exceptions are missed."""


def prompts_of(target: AnalysisTarget, most: int) -> tuple[list[str], list[int]]:
    """Return the prompt with its class replaced by each of up to `most` classes, and their indices.

    If the class is not in the prompt as a word, the bare names are returned. The requested class
    comes first.
    """
    first = 0 if target.asked_class is None else target.asked_class
    classes = [first, *(k for k in range(len(target.classes)) if k != first)][:most]
    names = [target.class_words[k] for k in classes]
    if target.asked_class is None:
        return names, classes
    # the article changes with the word: "a six" becomes "an eight"
    word = re.compile(rf"\b(?:(an?) )?{re.escape(names[0])}\b", re.IGNORECASE)
    if not word.search(target.prompt):
        return names, classes
    return [_with(word, target.prompt, name) for name in names], classes


def _with(word: re.Pattern[str], prompt: str, name: str) -> str:
    """Return the prompt with `word` replaced by a name; group 1 of `word` is the article."""
    return word.sub(lambda found: _article(found[1], name) + name, prompt)


def _article(found: str | None, name: str) -> str:
    """Return the article for a name, capitalised as it was found; "" if there was none.

    >>> _article("a", "eight"), _article("An", "six"), _article("a", "one"), _article(None, "six")
    ('an ', 'A ', 'a ', '')
    """
    if found is None:
        return ""
    return found[0] + ("n " if VOWEL.match(name) else " ")
