"""A prompt for another class, to compare the explained one with."""

from dataclasses import dataclass

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.asked_for import asked_for
from ddpm_clip.explain.verdict.prerequisite import control_prompts


@dataclass(frozen=True, slots=True)
class Other:
    """Another prompt.

    Attributes:
        prompt: the prompt.
        asked_class: index of the class that it asks for, in the target's classes.
    """

    prompt: str
    asked_class: int


def other_prompt(target: AnalysisTarget, prompt: str | None = None) -> Other | None:
    """Return the given prompt, or one for the class half the list of classes away, or None.

    Args:
        target: the target; without classes and a requested class the result is None.
        prompt: a prompt that names one class, and not that of the target's prompt; None chooses.

    Raises:
        UsageError: the prompt names no class, several, or the same one.
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
            f"it has to name a single one, and not {target.asked_name}",
            f"name one of: {', '.join(target.classes)}",
            param="other",
        )
    return Other(prompt, asked_class)
