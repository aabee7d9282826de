"""What may be asked of a model, and the one place where it is judged.

The command line, Python and everything after them hand their wishes to `Settings.with_wishes`,
so that the same value gets the same verdict everywhere. Knows nothing of models.
"""

import math
import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ddpm_clip.conditioning import BRIDGES
from ddpm_clip.config import GenerationConfig
from ddpm_clip.diffusion.guidance import CLAMPS
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.errors import UsageError

MAX_PROMPT = 4000
MAX_SEED = 2**32 - 1
MAX_PICTURES = 100_000
W_RANGE = (-3.0, 30.0)
MAX_FRAMES = 1000
MAX_WEIGHT = 100.0
MAX_ROUNDS = 100
MAX_CLIP_GUIDANCE = 100.0


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
        """These settings with some replaced; None means "as it is", `w` is read as s = 1 + w."""
        w = wishes.pop("w", None)
        if w is not None and wishes.get("guidance") is not None:
            raise UsageError(
                "guidance and w are both given", "guidance = 1 + w", "give one of them"
            )
        if w is not None:
            wishes["guidance"] = tuple(1.0 + weight for weight in _numbers("w", w))
        unknown = wishes.keys() - {field.name for field in fields(self)}
        if unknown:
            raise UsageError(f"unknown setting {sorted(unknown)[0]!r}")
        given = {name: value for name, value in wishes.items() if value is not None}
        if "guidance" in given:
            given["guidance"] = _numbers("guidance", given["guidance"])
        if given.get("seed") == -1:
            given["seed"] = random.SystemRandom().randrange(MAX_SEED + 1)
        if given.get("negative") is not None:
            given["negative"] = checked_prompt(given["negative"], "negative")
        settings = replace(self, **given)
        settings.check()
        return settings

    def check(self) -> None:
        """Raise a `UsageError` that names the first setting out of range."""
        _whole("n", self.n, 1, MAX_PICTURES)
        _whole("seed", self.seed, 0, MAX_SEED, "-1 draws one")
        _whole("steps", self.steps, 1, 10**9)
        _whole("batch", self.batch, 1, MAX_PICTURES)
        for scale in self.guidance:
            if not math.isfinite(scale):
                raise UsageError(
                    f"guidance = {scale} is not a finite number",
                    fix="choose a number such as 2",
                    param="guidance",
                )
            if not W_RANGE[0] <= scale - 1 <= W_RANGE[1]:
                raise UsageError(
                    f"guidance = {scale:g} is out of range", "the scale is s = 1 + w",
                    f"choose {W_RANGE[0] + 1:g} to {W_RANGE[1] + 1:g}", param="guidance",
                )  # fmt: skip
        self._check_ways()

    def _check_ways(self) -> None:
        """The names exist, the ranges are ranges, and nothing contradicts."""
        SAMPLERS[self.sampler], CLAMPS[self.clamp], BRIDGES[self.bridge or "shift"]
        _range("interval", (0.0, 1.0) if self.interval is None else self.interval)
        if not 0 <= _numbers("rescale", self.rescale)[0] <= 1:
            raise UsageError(f"rescale = {self.rescale} is out of range", fix="choose 0 to 1",
                             param="rescale")  # fmt: skip
        if self.unconditional and self.negative is not None:
            raise UsageError("unconditional and negative are both given",
                             "without a condition there is nothing to steer by",
                             "give one of them", param="negative")  # fmt: skip
        self._check_clip()

    def _check_clip(self) -> None:
        if not 0 <= _numbers("clip_guidance", self.clip_guidance)[0] <= MAX_CLIP_GUIDANCE:
            raise UsageError(f"clip_guidance = {self.clip_guidance} is out of range",
                             fix=f"choose 0 to {MAX_CLIP_GUIDANCE:g}; 1 is a good start",
                             param="clip_guidance")  # fmt: skip
        _range("clip_interval", self.clip_interval)
        _whole("clip_travel", self.clip_travel, 0, 100)
        _whole("clip_views", self.clip_views, 1, 1000)

    @property
    def wordless(self) -> bool:
        """Do no words enter at all?"""
        return self.unconditional and self.clip_guidance == 0

    def seeds(self) -> list[int]:
        """(n,) the seeds of the pictures of every prompt."""
        return [(self.seed + j) % (MAX_SEED + 1) for j in range(self.n)]


def settings_of(own: GenerationConfig, T: int, **wishes: Any) -> Settings:
    """The settings in a config with some replaced, checked.

    Args:
        own: how a model paints where nobody says otherwise.
        T: rows that the model has.
        wishes: as for `with_wishes`.

    Raises:
        UsageError: a value out of range, or more steps than there are rows.
    """
    settings = Settings(
        n=own.n, seed=own.seed, steps=own.steps, guidance=(own.guidance,), sampler=own.sampler,
        clamp=own.clamp, interval=own.interval, rescale=own.rescale,
        unconditional=own.unconditional, clip_guidance=own.clip_guidance, clip_guide=own.clip_guide,
        clip_interval=own.clip_interval, clip_travel=own.clip_travel, clip_views=own.clip_views,
    ).with_wishes(**wishes)  # fmt: skip
    if settings.steps > T:
        raise UsageError(
            f"steps = {settings.steps} is out of range", f"the model was trained with T = {T}",
            f"choose a whole number from 1 to {T}", param="steps",
        )  # fmt: skip
    return settings


def checked_prompts(prompts: str | Sequence[str]) -> list[str]:
    """The prompts as they will be used.

    Raises:
        UsageError: none, an empty one, a too long one, or one that is no text.
    """
    prompts = [prompts] if isinstance(prompts, str) else list(prompts)
    if not prompts:
        raise UsageError(
            "there is no prompt", fix='ddpm-clip generate "a red rose"', param="prompt"
        )
    return [checked_prompt(prompt) for prompt in prompts]


def checked_prompt(prompt: str, param: str = "prompt") -> str:
    """One prompt without control characters."""
    if not isinstance(prompt, str):
        raise UsageError(f"the prompt {prompt!r} is no text", param=param)
    if any(unicodedata.category(character) == "Cs" for character in prompt):
        raise UsageError("the prompt holds half a character (a lone surrogate)", param=param)
    clean = "".join(c for c in prompt if c in "\n\t" or unicodedata.category(c) != "Cc")
    if not clean.strip():
        raise UsageError(
            "the prompt is empty", fix="say what to paint, or use --unconditional", param=param
        )
    if len(clean) > MAX_PROMPT:
        raise UsageError(
            f"the prompt has {len(clean)} characters", f"at most {MAX_PROMPT} are read", param=param
        )
    return clean


def checked_strength(strength: float) -> float:
    """How far an edit goes, in [0, 1].

    Raises:
        UsageError: it is out of range.
    """
    if not 0 <= _numbers("strength", strength)[0] <= 1:
        raise UsageError(f"strength = {strength} is out of range", fix="choose 0 to 1",
                         param="strength")  # fmt: skip
    return float(strength)


def checked_frames(frames: int) -> int:
    """The pictures of an interpolation, its ends included.

    Raises:
        UsageError: they are out of range.
    """
    _whole("frames", frames, 2, MAX_FRAMES)
    return frames


def checked_rounds(rounds: int) -> int:
    """Times that inpainting walks each rung.

    Raises:
        UsageError: they are out of range.
    """
    _whole("rounds", rounds, 1, MAX_ROUNDS)
    return rounds


def checked_weights(weights: Sequence[float]) -> list[float]:
    """The weights of a blend, of which one at least is not 0.

    Raises:
        UsageError: one is no number or out of range, or there is nothing to blend.
    """
    numbers = list(_numbers("weights", list(weights)))
    wrong = [weight for weight in numbers if not abs(weight) <= MAX_WEIGHT]
    if wrong or not any(numbers):
        given = ", ".join(f"{weight:g}" for weight in numbers)
        raise UsageError(f"weights = {given} are out of range",
                         "one at least has to count" if not wrong else "",
                         f"choose {-MAX_WEIGHT:g} to {MAX_WEIGHT:g}", param="weights")  # fmt: skip
    return numbers


def _whole(name: str, value: Any, low: int, high: int, also: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        fix = f"choose a whole number from {low} to {high}" + (f"; {also}" if also else "")
        raise UsageError(f"{name} = {value!r} is out of range", fix=fix, param=name)


def _range(name: str, value: Any) -> None:
    ends = _numbers(name, value)
    if len(ends) != 2 or not 0 <= ends[0] < ends[1]:
        raise UsageError(f"{name} = {value} is no range of sigma / alpha",
                         fix="give two numbers that rise, such as (0.15, 3)",
                         param=name)  # fmt: skip


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    """One number or several as a tuple of floats."""
    values = value if isinstance(value, (list, tuple)) else (value,)
    if not values or any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in values):
        raise UsageError(f"{name} = {value!r} is no number", param=name)
    return tuple(float(v) for v in values)
