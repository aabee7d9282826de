"""The same prompt for other classes. Knows nothing of pictures."""

import re

from ddpm_clip.explain.target.analysis_target import AnalysisTarget

VOWEL = re.compile(r"(?!one\b|uni|eu)[aeiou]", re.IGNORECASE)
"""How a word begins that is spoken with a vowel, but for rare ones."""


def prompts_of(target: AnalysisTarget, most: int) -> tuple[list[str], list[int]]:
    """The prompt with the class that it names replaced by others, and which these are.

    Where the class does not stand in the prompt as a word, the bare names are asked. The class
    that was asked for comes first.
    """
    first = 0 if target.asked_class is None else target.asked_class
    classes = [first, *(k for k in range(len(target.classes)) if k != first)][:most]
    names = [target.spoken[k] for k in classes]
    if target.asked_class is None:
        return names, classes
    # its article as well, since that follows the word: "a six" becomes "an eight"
    word = re.compile(rf"\b(?:(an?) )?{re.escape(names[0])}\b", re.IGNORECASE)
    if not word.search(target.prompt):
        return names, classes
    return [_with(word, target.prompt, name) for name in names], classes


def _with(word: re.Pattern[str], prompt: str, name: str) -> str:
    """The prompt with another name where `word` stands, of which group 1 is the article."""
    return word.sub(lambda found: _article(found[1], name) + name, prompt)


def _article(found: str | None, name: str) -> str:
    """The article of a name, where there was one, written as it was.

    >>> _article("a", "eight"), _article("An", "six"), _article("a", "one"), _article(None, "six")
    ('an ', 'A ', 'a ', '')
    """
    if found is None:
        return ""
    return found[0] + ("n " if VOWEL.match(name) else " ")
