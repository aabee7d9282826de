"""The same prompt for other classes. Knows nothing of pictures."""

import re

from ddpm_clip.explain.subject import Subject


def prompts_of(subject: Subject, most: int) -> tuple[list[str], list[int]]:
    """The prompt with the class that it names replaced by others, and which these are.

    Where the class does not stand in the prompt as a word, the bare names are asked. The class
    that was asked for comes first.
    """
    first = 0 if subject.target is None else subject.target
    classes = [first, *(k for k in range(len(subject.classes)) if k != first)][:most]
    names = [subject.classes[k] for k in classes]
    word = re.compile(rf"\b{re.escape(subject.wanted or '')}\b", re.IGNORECASE)
    if subject.wanted is None or not word.search(subject.prompt):
        return names, classes
    return [name.join(word.split(subject.prompt)) for name in names], classes
