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
        ends = _numbers("interval", (0.0, 1.0) if self.interval is None else self.interval)
        if len(ends) != 2 or not 0 <= ends[0] < ends[1]:
            raise UsageError(f"interval = {self.interval} is no range of sigma / alpha",
                             fix="give two numbers that rise, such as (0.15, 3)",
                             param="interval")  # fmt: skip
        if not 0 <= _numbers("rescale", self.rescale)[0] <= 1:
            raise UsageError(f"rescale = {self.rescale} is out of range", fix="choose 0 to 1",
                             param="rescale")  # fmt: skip
        if self.unconditional and self.negative is not None:
            raise UsageError("unconditional and negative are both given",
                             "without a condition there is nothing to steer by",
                             "give one of them", param="negative")  # fmt: skip

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


def _whole(name: str, value: Any, low: int, high: int, also: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        fix = f"choose a whole number from {low} to {high}" + (f"; {also}" if also else "")
        raise UsageError(f"{name} = {value!r} is out of range", fix=fix, param=name)


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    """One number or several as a tuple of floats."""
    values = value if isinstance(value, (list, tuple)) else (value,)
    if not values or any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in values):
        raise UsageError(f"{name} = {value!r} is no number", param=name)
    return tuple(float(v) for v in values)
