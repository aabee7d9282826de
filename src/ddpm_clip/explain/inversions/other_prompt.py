"""A prompt for another class, to hold the explained one against.

Knows nothing of any analysis.
"""

from dataclasses import dataclass

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.asked_for import asked_for
from ddpm_clip.explain.verdict.prerequisite import control_prompts


@dataclass(frozen=True, slots=True)
class Other:
    """Another prompt.

    Attributes:
        prompt: in words.
        asked_class: the class that it asks for, by its place in the target's classes.
    """

    prompt: str
    asked_class: int


def other_prompt(target: AnalysisTarget, prompt: str | None = None) -> Other | None:
    """The one that is named, or that of the class opposite in the list; None where there is none.

    Args:
        target: with classes and a requested class, or there is no other one.
        prompt: in words; asks for one class that the target's prompt does not ask for.

    Raises:
        UsageError: the named prompt asks for no class, or for the same.
    """
    if target.asked_class is None or len(target.classes) < 2:
        return None
    if prompt is None:
        k = (target.asked_class + len(target.classes) // 2) % len(target.classes)
        return Other(control_prompts(target)[k], k)
    asked_class = asked_for(prompt, {target.attribute: target.classes}).asked_class
    if asked_class is None or asked_class == target.asked_class:
        raise UsageError(
            f"{prompt!r} asks for no other {target.attribute}",
            f"{target.prompt!r} asks for {target.asked_name}",
            f"name one of: {', '.join(target.classes)}",
            param="other",
        )
    return Other(prompt, asked_class)
