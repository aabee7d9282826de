"""The settings of painting, and the one place where they are validated.

The command line, Python and all other code call `Settings.with_overrides`, so the same value is
accepted or refused everywhere alike (ranges of numbers: `config/limits.py`; prompts:
`embedders/prompts.py`). docs/errors.md has the whole table, and a test tries each of its lines.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

from ddpm_clip.conditioning.conditioner import BRIDGES
from ddpm_clip.config.limits import (
    MAX_SEED,
    NUMBERS,
    WHOLE,
    checked_range,
    checked_size,
    checked_whole,
    plain,
    shortened,
    within,
)
from ddpm_clip.config.painting_options import PaintingOptions
from ddpm_clip.config.schema import GenerationConfig
from ddpm_clip.diffusion.guidance import CLAMPS
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.embedders.prompts import checked_prompt
from ddpm_clip.errors import UsageError
from ddpm_clip.moved import former_method
from ddpm_clip.registry import Registry, unknown_name

BESIDE = ("w", "size")
"""Names that may be overridden but are not settings: `w` sets guidance, `size` is only checked."""


@dataclass(frozen=True)
class Settings(PaintingOptions):
    """How to paint: the options of a config, and those that only a request has.

    An `interval` of None means everywhere; pass (0, 1e9) to `with_overrides`, where None keeps the
    value. With `unconditional` and `clip_guidance`, the prompt acts through the gradient alone.

    Attributes:
        guidance: Scales s = 1 + w; pictures are painted for each.
        negative: Prompt to steer away from, or None.
        bridge: A name in `BRIDGES`, or None for the run's default.
        batch: Number of pictures painted at once.
    """

    guidance: tuple[float, ...] = (GenerationConfig().guidance,)
    negative: str | None = None
    bridge: str | None = None
    batch: int = 64
    with_wishes = former_method("with_wishes", "with_overrides")

    def __post_init__(self) -> None:
        """Turn numbers of NumPy and torch into plain ones: a PNG records them as JSON."""
        for field in fields(self):
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))

    def with_overrides(self, **overrides: Any) -> "Settings":
        """Return these settings with some replaced; None keeps a value, `w` means guidance = 1 + w.

        Raises:
            UsageError: Names the first invalid setting.
        """
        known = {field.name: None for field in fields(self)} | dict.fromkeys(BESIDE)
        unknown = [name for name in overrides if name not in known]
        if unknown:
            raise unknown_name("setting", unknown[0], known)
        given = {name: plain(value) for name, value in overrides.items() if value is not None}
        checked_size(given.pop("size", "auto"))
        if "w" in given and "guidance" in given:
            raise UsageError(
                "guidance and w are both given",
                "guidance = 1 + w",
                "give only one of them",
                param="w",
            )
        if "w" in given:
            given["guidance"] = tuple(1.0 + weight for weight in within("w", given.pop("w")))
        elif "guidance" in given:
            given["guidance"] = within("guidance", given["guidance"])
        if given.get("seed") == -1 and isinstance(given["seed"], int):
            given["seed"] = random.SystemRandom().randrange(MAX_SEED + 1)
        if "negative" in given:
            given["negative"] = checked_prompt(given["negative"], "negative")
        settings = replace(self, **given)
        settings.check()
        return settings

    def check(self) -> None:
        """Raise a `UsageError` that names the first invalid setting."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and field.name in CHECKS:
                CHECKS[field.name](field.name, value)
        if self.unconditional and self.negative is not None:
            raise UsageError(
                "unconditional and negative are both given",
                "without a condition there is nothing to steer away from",
                "give only one of them",
                param="negative",
            )

    @property
    def wordless(self) -> bool:
        """Whether the prompt has no effect at all."""
        return self.unconditional and self.clip_guidance == 0

    def seeds(self) -> list[int]:
        """Return the n seeds of the pictures of each prompt."""
        return [(self.seed + j) % (MAX_SEED + 1) for j in range(self.n)]


def _check_name(family: Registry[Any], name: str, value: Any) -> None:
    try:
        if not isinstance(value, str):
            raise unknown_name(family.family, value, family)
        family[value]
    except UsageError as error:
        error.param = name
        raise


def _check_switch(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise UsageError(
            f"{name} = {shortened(value)} is neither true nor false",
            "it is a switch",
            "leave it out, or pass True",
            param=name,
        )


CHECKS: dict[str, Callable[[str, Any], object]] = {
    **dict.fromkeys(WHOLE, checked_whole),
    **dict.fromkeys(NUMBERS, within),
    **dict.fromkeys(("interval", "clip_interval"), checked_range),
    "sampler": partial(_check_name, SAMPLERS),
    "clamp": partial(_check_name, CLAMPS),
    "bridge": partial(_check_name, BRIDGES),
    "unconditional": _check_switch,
    "bounded": _check_switch,
}
"""The check of each setting, by name; None is not checked."""


def settings_of(own: GenerationConfig, T: int, its_size: str = "", **overrides: Any) -> Settings:
    """Return the settings in a config with some replaced, validated.

    Args:
        own: The defaults of a model.
        T: Number of timesteps of the model.
        its_size: WIDTHxHEIGHT of its pictures; if empty, a requested size is not compared with it.
        overrides: As for `with_overrides`.

    Raises:
        UsageError: A value is invalid, `steps` is above T, or the size is not the model's.
    """
    options = {field.name: getattr(own, field.name) for field in fields(PaintingOptions)}
    settings = Settings(**options, guidance=(own.guidance,)).with_overrides(**overrides)
    if settings.steps > T:
        raise UsageError(
            f"steps = {settings.steps} is out of range",
            f"the model was trained with T = {T}",
            f"choose a whole number from 1 to {T}",
            param="steps",
        )
    wanted = overrides.get("size") or "auto"
    if its_size and wanted not in ("auto", its_size):
        raise UsageError(
            f"size = {wanted} cannot be painted",
            f"the model paints {its_size} only; the width comes first",
            f"choose auto or {its_size}",
            param="size",
        )
    return settings
