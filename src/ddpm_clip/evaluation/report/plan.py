"""How many pictures fit into the given minutes.

The speed is measured on a small first batch with the same model and settings. The plan is written
into the report, so that `-n` repeats it on any machine, however long it takes there.
"""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from ddpm_clip.config.limits import checked_minutes, checked_whole
from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.prompts.cases import fewer
from ddpm_clip.evaluation.prompts.success import PromptCase, paint_cases
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.types import Progress

PAINTING = 0.5
"""Share of the time for painting; the rest is for judging, measuring and small trainings."""

MOST = 20_000
"""Most pictures; more would hardly narrow any interval."""

PROBE = 16
"""Pictures in the batch whose speed is measured."""

MINUTES = 5.0


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """What is painted, and how long the evaluation may take.

    Attributes:
        n: pictures per prompt.
        cases: the prompts.
        left_out: number of prompts for which there is no time.
        minutes: the given duration; None if `n` was given, and then nothing is shortened.
        pictures_per_second: the measured speed; None if it was not needed.
    """

    n: int
    cases: tuple[PromptCase, ...]
    left_out: int = 0
    minutes: float | None = None
    pictures_per_second: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        speed = self.pictures_per_second
        return {
            "pictures": self.n * len(self.cases),
            "n": self.n,
            "prompts": len(self.cases),
            "prompts_left_out": self.left_out,
            "minutes": self.minutes,
            "pictures_per_second": None if speed is None else round(speed, 3),
        }


def plan(
    tti: TextToImage,
    cases: Sequence[PromptCase],
    *,
    n: int | None = None,
    minutes: float | None = None,
    spent: float = 0.0,
    **settings: Any,
) -> Generator[Progress, None, SamplingPlan]:
    """Choose the number of pictures; if `minutes` decide, after measuring the speed.

    Args:
        tti: the model.
        cases: all prompts.
        n: pictures per prompt; if given, the time does not matter.
        minutes: duration of the whole evaluation; by default `MINUTES`.
        spent: seconds already used.
        settings: the sampling settings.

    Raises:
        UsageError: both `n` and `minutes` are given, or one is out of range.
    """
    n, minutes = check_size(n, minutes)
    if n is not None:
        return SamplingPlan(n, tuple(cases))
    given = MINUTES if minutes is None else minutes
    speed = yield from _speed(tti, cases, **settings)
    return fitted(cases, given, speed, spent)


def fitted(
    cases: Sequence[PromptCase], minutes: float, speed: float, spent: float = 0.0
) -> SamplingPlan:
    """Return the plan for `minutes` at `speed` pictures per second.

    At least one picture of one prompt is painted, however little time there is.
    """
    room = max(1, min(MOST, int(speed * max(0.0, 60 * minutes - spent) * PAINTING)))
    asked = fewer(cases, room)
    n = max(1, room // len(asked))
    return SamplingPlan(n, tuple(asked), len(cases) - len(asked), minutes, speed)


def check_size(n: int | None, minutes: float | None) -> tuple[int | None, float | None]:
    """Return size and time; a `UsageError` if one is invalid, or both are given."""
    if n is not None and minutes is not None:
        raise UsageError(
            "-n and --minutes are both given",
            "each decides the number of pictures",
            "give one of them",
            param="minutes",
        )
    n = None if n is None else checked_whole("n", n, most=MOST)
    return n, None if minutes is None else checked_minutes(minutes)


def _speed(
    tti: TextToImage, cases: Sequence[PromptCase], **settings: Any
) -> Generator[Progress, None, float]:
    """Measure the pictures per second of a batch, not counting the first step (warm-up)."""
    probed = [cases[i % len(cases)] for i in range(min(PROBE, max(4, len(cases))))]
    start, counted, steps = time.perf_counter(), 0, 1
    for at in paint_cases(tti, probed, 1, **settings):
        yield Progress("speed", at.done, at.total)
        if at.done == 1:
            start = time.perf_counter()
        counted, steps = at.done - 1, at.total
    seconds = time.perf_counter() - start
    share = counted / steps if counted else 1.0
    return len(probed) * share / max(seconds, 1e-6)
