"""What a few-call model cannot be told: its walk and its guidance were settled when it was made.

A few-call model is one that was distilled (`training/distillation/`). Everything else that paints
treats it like any other: this file and the edits that need a walk say what to use instead.
"""

from collections.abc import Mapping
from typing import Any

from ddpm_clip.config.limits import plain
from ddpm_clip.config.schema import Config
from ddpm_clip.diffusion.samplers import OF_DISTILLED
from ddpm_clip.errors import UsageError
from ddpm_clip.generation.settings import Settings

SETTLED = {
    "steps": "its number of network calls is fixed",
    "sampler": "its jumps are fixed",
    "interval": "guidance was built in, with the interval of its teacher",
    "rescale": "guidance was built in",
    "clamp": "its jumps pass through values that are no pictures",
    "negative": "guidance was built in, away from the mean picture",
    "clip_guidance": "a gradient needs many small steps",
}
"""Settings that a few-call model does not take, and why."""


def checked_few_call(config: Config, settings: Settings, overrides: Mapping[str, Any]) -> Settings:
    """Return the settings, if the model can paint with them.

    Args:
        config: the model's config.
        settings: what was asked for, validated.
        overrides: those of it that differ from the model's own settings on request.

    Raises:
        UsageError: a few-call model was asked for what it cannot do; or the sampler of few-call
            models was chosen for another.
    """
    if not config.distillation.calls:
        if settings.sampler in OF_DISTILLED:
            raise UsageError(
                f"sampler = {settings.sampler} cannot be used with this model",
                "it asks for the end of a walk, which only distilled networks know",
                "leave sampler out, or distil the model: ddpm-clip distill MODEL --out FOLDER",
                param="sampler",
            )
        return settings
    own = config.generation
    for name, why in SETTLED.items():
        value = plain(overrides.get(name))
        if value is not None and value != getattr(own, name, None):
            raise _refused(config, f"{name} = {value} cannot be chosen", why, name)
    low, high = config.distillation.scales
    for scale in settings.guidance:
        if not low <= scale <= high and scale != 0:
            why = f"it was distilled for guidance scales from {low:g} to {high:g}"
            raise _refused(config, f"guidance = {scale:g} is out of range", why, "guidance")
    return settings


def check_many_steps(config: Config, what: str) -> None:
    """Refuse something that needs a walk of many steps.

    Raises:
        UsageError: the model is a few-call model.
    """
    if config.distillation.calls:
        raise _refused(config, f"{what} cannot be done with this model", "", "model")


def _refused(config: Config, what: str, why: str, param: str) -> UsageError:
    calls, teacher = config.distillation.calls, config.distillation.teacher
    about = f"it paints in {calls} network call{'s' if calls > 1 else ''}"
    fix = f"use the model that it was distilled from: --model {teacher or 'TEACHER'}"
    return UsageError(what, f"{about}; {why}" if why else about, fix, param=param)
