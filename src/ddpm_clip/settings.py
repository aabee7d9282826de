"""What may be asked of a model, and the one place where it is judged.

The command line, Python and everything after them hand their wishes to `Settings.with_wishes`,
or a single value to one of the `checked_…` below (of prompts: `embedders/prompts.py`), so that the
same value gets the same verdict everywhere. docs/errors.md has the whole table, and a test tries
each of its lines. What stands in a config is judged in `config.py`. Knows nothing of models.
"""

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any

from ddpm_clip.conditioning import BRIDGES
from ddpm_clip.config import GenerationConfig
from ddpm_clip.diffusion.guidance import CLAMPS
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.embedders.prompts import checked_prompt as checked_prompt
from ddpm_clip.embedders.prompts import checked_prompts as checked_prompts
from ddpm_clip.errors import UsageError
from ddpm_clip.registry import unknown_name

MAX_SEED = 2**32 - 1
MAX_PICTURES = 100_000
MAX_SEEDS = 256

WHOLE = {
    "n": (1, MAX_PICTURES, "it counts the pictures of a prompt"),
    "seed": (0, MAX_SEED, "a seed has 32 bits; -1 draws one"),
    "steps": (1, 10**9, "it counts the rows of the schedule that are visited"),
    "batch": (1, MAX_PICTURES, "it counts the pictures that are painted at once"),
    "frames": (2, 1000, "it counts the pictures on the way, both ends included"),
    "rounds": (1, 100, "it counts how often inpainting walks each rung"),
    "k": (1, 10_000, "it counts the nearest pictures that are named"),
    "clip_travel": (0, 100, "it counts how often a guided rung is walked again"),
    "clip_views": (1, 1000, "it counts the views that the guiding CLIP looks at"),
}
"""Whole numbers: lowest, highest, and what they mean."""

NUMBERS = {
    "w": (-3.0, 30.0, "0 is no guidance, and the scale is s = 1 + w"),
    "guidance": (-2.0, 31.0, "1 is no guidance, and the scale is s = 1 + w"),
    "rescale": (0.0, 1.0, "it is the share of the spread that is given back"),
    "strength": (0.0, 1.0, "it is how far an edit goes"),
    "minutes": (0.001, 1440.0, "a day is the longest"),
    "weights": (-100.0, 100.0, "only their proportions count"),
    "clip_guidance": (0.0, 100.0, "0 is off, and 1 is a good start"),
}
"""Finite numbers: lowest, highest, and what they mean."""

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
        interval: sigma range of guidance, or None for everywhere; to `with_wishes`, where
            None is "as it is", say (0, 1e9).
        rescale: CFG rescale.
        batch: pictures painted at once.
        clip_guidance: strength of the gradient of a CLIP, see `GradientGuidance`; 0 is off. With
            `unconditional`, the words steer by this alone.
        clip_guide: the model whose CLIP guides, or None for the model's own.
        clip_interval: sigma range of the CLIP's gradient.
        clip_travel: times that each rung in it is walked again.
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

    def with_wishes(self, **wishes: Any) -> "Settings":
        """These settings with some replaced; None means "as it is", `w` is read as s = 1 + w.

        Raises:
            UsageError: names the first wish that cannot be meant.
        """
        known = {field.name: None for field in fields(self)} | dict.fromkeys(BESIDE)
        unknown = [name for name in wishes if name not in known]
        if unknown:
            raise unknown_name("setting", unknown[0], known)
        given = {name: value for name, value in wishes.items() if value is not None}
        checked_size(given.pop("size", "auto"))
        if "w" in given and "guidance" in given:
            raise UsageError(
                "guidance and w are both given", "guidance = 1 + w", "give one of them", param="w"
            )
        if "w" in given:
            given["guidance"] = tuple(1.0 + weight for weight in _within("w", given.pop("w")))
        elif "guidance" in given:
            given["guidance"] = _within("guidance", given["guidance"])
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
            _within(name, getattr(self, name))
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
                f"unconditional = {_short(self.unconditional)} is neither true nor false",
                "it is a switch",
                "leave it out, or say True",
                param="unconditional",
            )
        _range("interval", (0.0, 1.0) if self.interval is None else self.interval)
        _range("clip_interval", self.clip_interval)
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


def settings_of(own: GenerationConfig, T: int, its_size: str = "", **wishes: Any) -> Settings:
    """The settings in a config with some replaced, checked.

    Args:
        own: how a model paints where nobody says otherwise.
        T: rows that the model has.
        its_size: WIDTHxHEIGHT of its pictures; empty where no wish is to be compared with it.
        wishes: as for `with_wishes`.

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
    ).with_wishes(**wishes)
    if settings.steps > T:
        raise UsageError(
            f"steps = {settings.steps} is out of range",
            f"the model was trained with T = {T}",
            f"choose a whole number from 1 to {T}",
            param="steps",
        )
    wanted = wishes.get("size") or "auto"
    if its_size and wanted not in ("auto", its_size):
        raise UsageError(
            f"size = {wanted} cannot be painted",
            f"the model paints {its_size} only",
            f"choose auto or {its_size}",
            param="size",
        )
    return settings


def checked_seeds(seeds: int | Sequence[int]) -> list[int]:
    """The seeds of the pictures of an explanation, one each; a number n means 0 to n - 1.

    Raises:
        UsageError: none, too many, one out of range, or one twice.
    """
    chosen = list(islice(range(seeds) if isinstance(seeds, int) else seeds, MAX_SEEDS + 1))
    if not 1 <= len(chosen) <= MAX_SEEDS:
        many = f"too many seeds: at most {MAX_SEEDS}" if chosen else "no seeds"
        raise UsageError(
            many,
            "each has a picture, and it is looked at many times",
            f"choose 1 to {MAX_SEEDS} seeds",
            param="seeds",
        )
    for seed in chosen:
        checked_whole("seed", seed, param="seeds")
    if len(set(chosen)) < len(chosen):
        raise UsageError(
            "a seed is given twice",
            "its picture would count twice",
            "give each once",
            param="seeds",
        )
    return chosen


def checked_size(size: str) -> str:
    """A size as `auto` or WIDTHxHEIGHT.

    Raises:
        UsageError: it is neither.
    """
    if not isinstance(size, str) or not re.fullmatch("auto|[1-9][0-9]{0,3}x[1-9][0-9]{0,3}", size):
        raise UsageError(
            f"size = {_short(size)} is no size",
            "a size is WIDTHxHEIGHT in pixels",
            "choose auto, or what the model paints, such as 32x32",
            param="size",
        )
    return size


def checked_strength(strength: float) -> float:
    """How far an edit goes, in [0, 1]; else a `UsageError`."""
    return _within("strength", strength)[0]


def checked_minutes(minutes: float) -> float:
    """How long an evaluation may take; else a `UsageError`."""
    return _within("minutes", minutes)[0]


def checked_frames(frames: int) -> int:
    """The pictures of an interpolation; else a `UsageError`."""
    return checked_whole("frames", frames)


def checked_rounds(rounds: int) -> int:
    """Times that inpainting walks each rung; else a `UsageError`."""
    return checked_whole("rounds", rounds)


def checked_weights(weights: Sequence[float]) -> list[float]:
    """The weights of a blend, of which one at least is not 0.

    Raises:
        UsageError: one is no number or out of range, or there is nothing to blend.
    """
    numbers = list(_within("weights", list(weights)))
    if not any(numbers):
        raise UsageError(
            "weights are all 0",
            "one at least has to count",
            "give one another weight",
            param="weights",
        )
    return numbers


def checked_whole(name: str, value: Any, *, most: int | None = None, param: str = "") -> int:
    """A whole number within its range in `WHOLE`.

    Args:
        name: there.
        value: what is asked for; 2.0 and True are no whole numbers.
        most: a lower highest value, where this use has one.
        param: the option at fault, if it is not called `name`.

    Raises:
        UsageError: it is none, or out of range.
    """
    low, high, why = WHOLE[name]
    high = high if most is None else most
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not (is_whole and low <= value <= high):
        said = "out of range" if is_whole else "no whole number"
        raise UsageError(
            f"{name} = {_short(value)} is {said}",
            why,
            f"choose a whole number from {low} to {high}",
            param=param or name,
        )
    return int(value)


def _within(name: str, value: Any) -> tuple[float, ...]:
    """One number or several, each within its range in `NUMBERS`."""
    low, high, why = NUMBERS[name]
    for number in (numbers := _numbers(name, value)):
        if not low <= number <= high:
            raise UsageError(
                f"{name} = {number:g} is out of range",
                why,
                f"choose {low:g} to {high:g}",
                param=name,
            )
    return numbers


def _range(name: str, value: Any) -> None:
    ends = _numbers(name, value)
    if len(ends) != 2 or not 0 <= ends[0] < ends[1]:
        raise UsageError(
            f"{name} = {_short(value)} is no range",
            "it is one of sigma / alpha",
            "give two numbers that rise, such as (0.15, 3)",
            param=name,
        )


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    """One finite number or several as a tuple of floats."""
    values = value if isinstance(value, (list, tuple)) else (value,)
    wrong = [one for one in values if not _is_number(one)]
    if wrong or not values:
        raise UsageError(
            f"{name} = {_short([*wrong, value][0])} is no number",
            "a finite number is asked for",
            "choose one such as 1",
            param=name,
        )
    return tuple(float(v) for v in values)


def _is_number(value: Any) -> bool:
    """Is it finite, and no truth value or text? A whole number may be too large for a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= 1e300 and math.isfinite(value)


def _short(value: object) -> str:
    """A value as Python writes it, cut: what a file or a request holds may be long."""
    whole = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "a huge number"
    return whole if len(whole) <= 60 else whole[:60] + "…"
