"""What may be asked of a model, and the one place where it is judged.

The command line, Python and everything after them call `Settings.with_overrides`, so that the same
value gets the same verdict everywhere (single numbers: `config/limits.py`; prompts:
`embedders/prompts.py`). docs/errors.md has the whole table, and a test tries each of its lines.
"""

import random
from dataclasses import dataclass, fields, replace
from typing import Any

from ddpm_clip.conditioning.conditioner import BRIDGES
from ddpm_clip.config.limits import (
    MAX_SEED,
    checked_range,
    checked_size,
    checked_whole,
    shortened,
    within,
)
from ddpm_clip.config.schema import GenerationConfig
from ddpm_clip.diffusion.guidance import CLAMPS
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.embedders.prompts import checked_prompt
from ddpm_clip.errors import UsageError
from ddpm_clip.moved import former_method
from ddpm_clip.registry import unknown_name

BESIDE = ("w", "size")
"""Wishes that are no setting: another way to say one, or to be compared with the model."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to paint.

    Attributes:
        n: pictures a prompt.
        seed: of the first; picture j has seed + j modulo 2^32.
        steps: rows visited.
        guidance: scales s = 1 + w, each painted.
        sampler: a name in `SAMPLERS`.
        negative: what to steer away from, or None.
        bridge: a name in `BRIDGES`, or None for the run's own.
        unconditional: paint without any condition.
        clamp: of x_0 at each step.
        interval: sigma range of guidance, or None for everywhere; to `with_overrides`, where
            None is "as it is", say (0, 1e9).
        rescale: CFG rescale.
        batch: pictures painted at once.
        clip_guidance: strength of the gradient of a CLIP, see `GradientGuidance`; 0 is off. With
            `unconditional`, the words steer by this alone.
        clip_guide: the model whose CLIP guides, or None for the model's own.
        clip_interval: sigma range of the CLIP's gradient.
        clip_travel: times that each step in it is walked again.
        clip_views: random views of a picture that the CLIP looks at.
    """

    n: int = 4
    seed: int = 0
    steps: int = 20
    guidance: tuple[float, ...] = (2.0,)
    sampler: str = "dpmpp_2m"
    negative: str | None = None
    bridge: str | None = None
    unconditional: bool = False
    clamp: str = "static"
    interval: tuple[float, float] | None = (0.15, 3.0)
    rescale: float = 0.0
    batch: int = 64
    clip_guidance: float = 0.0
    clip_guide: str | None = None
    clip_interval: tuple[float, float] = (0.5, 20.0)
    clip_travel: int = 2
    clip_views: int = 8
    with_wishes = former_method("with_wishes", "with_overrides")

    def with_overrides(self, **overrides: Any) -> "Settings":
        """These settings with some replaced; None means "as it is", `w` is read as s = 1 + w.

        Raises:
            UsageError: names the first request that cannot be meant.
        """
        known = {field.name: None for field in fields(self)} | dict.fromkeys(BESIDE)
        unknown = [name for name in overrides if name not in known]
        if unknown:
            raise unknown_name("setting", unknown[0], known)
        given = {name: value for name, value in overrides.items() if value is not None}
        checked_size(given.pop("size", "auto"))
        if "w" in given and "guidance" in given:
            raise UsageError(
                "guidance and w are both given", "guidance = 1 + w", "give one of them", param="w"
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
        """Raise a `UsageError` that names the first setting out of range."""
        for name in ("n", "seed", "steps", "batch", "clip_travel", "clip_views"):
            checked_whole(name, getattr(self, name))
        for name in ("guidance", "rescale", "clip_guidance"):
            within(name, getattr(self, name))
        for family, name in (
            (SAMPLERS, self.sampler),
            (CLAMPS, self.clamp),
            (BRIDGES, self.bridge or "shift"),
        ):
            if not isinstance(name, str):
                raise unknown_name(family.family, name, family)
            family[name]
        if not isinstance(self.unconditional, bool):
            raise UsageError(
                f"unconditional = {shortened(self.unconditional)} is neither true nor false",
                "it is a switch",
                "leave it out, or say True",
                param="unconditional",
            )
        checked_range("interval", (0.0, 1.0) if self.interval is None else self.interval)
        checked_range("clip_interval", self.clip_interval)
        if self.unconditional and self.negative is not None:
            raise UsageError(
                "unconditional and negative are both given",
                "without a condition there is nothing to steer by",
                "give one of them",
                param="negative",
            )

    @property
    def wordless(self) -> bool:
        """Do no words enter at all?"""
        return self.unconditional and self.clip_guidance == 0

    def seeds(self) -> list[int]:
        """(n,) the seeds of the pictures of every prompt."""
        return [(self.seed + j) % (MAX_SEED + 1) for j in range(self.n)]


def settings_of(own: GenerationConfig, T: int, its_size: str = "", **overrides: Any) -> Settings:
    """The settings in a config with some replaced, checked.

    Args:
        own: how a model paints where nobody says otherwise.
        T: rows that the model has.
        its_size: WIDTHxHEIGHT of its pictures; empty where no request is to be compared with it.
        overrides: as for `with_overrides`.

    Raises:
        UsageError: a value out of range, more steps than there are rows, or another size.
    """
    settings = Settings(
        n=own.n,
        seed=own.seed,
        steps=own.steps,
        guidance=(own.guidance,),
        sampler=own.sampler,
        clamp=own.clamp,
        interval=own.interval,
        rescale=own.rescale,
        unconditional=own.unconditional,
        clip_guidance=own.clip_guidance,
        clip_guide=own.clip_guide,
        clip_interval=own.clip_interval,
        clip_travel=own.clip_travel,
        clip_views=own.clip_views,
    ).with_overrides(**overrides)
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
            f"the model paints {its_size} only",
            f"choose auto or {its_size}",
            param="size",
        )
    return settings
