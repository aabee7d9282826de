"""A prompt for another class, to hold the explained one against.

Knows nothing of any analysis.
"""

from dataclasses import dataclass

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.subject.subject import Subject
from ddpm_clip.explain.subject.target import asked_for
from ddpm_clip.explain.verdict.gate import control_prompts


@dataclass(frozen=True, slots=True)
class Other:
    """Another prompt.

    Attributes:
        prompt: in words.
        target: the class that it asks for, by its place in the subject's classes.
    """

    prompt: str
    target: int


def other_prompt(subject: Subject, prompt: str | None = None) -> Other | None:
    """The one that is named, or that of the class opposite in the list; None where there is none.

    Args:
        subject: with classes and a target, or there is no other one.
        prompt: in words; asks for one class that the subject's prompt does not ask for.

    Raises:
        UsageError: the named prompt asks for no class, or for the same.
    """
    if subject.target is None or len(subject.classes) < 2:
        return None
    if prompt is None:
        k = (subject.target + len(subject.classes) // 2) % len(subject.classes)
        return Other(control_prompts(subject)[k], k)
    target = asked_for(prompt, {subject.attribute: subject.classes}).target
    if target is None or target == subject.target:
        raise UsageError(
            f"{prompt!r} asks for no other {subject.attribute}",
            f"{subject.prompt!r} asks for {subject.wanted}",
            f"name one of: {', '.join(subject.classes)}",
            param="other",
        )
    return Other(prompt, target)
