"""How many pictures fit into the minutes that a person gives.

The speed is measured on a first small batch of the very model and settings. A plan is made once
and written into the report: `-n` repeats it anywhere, in whatever time it takes there. Knows
nothing of metrics but that they take a share of the time.
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
"""Share of the time that is painted in; the rest reads, measures and trains small networks."""

MOST = 20_000
"""Pictures beyond which no figure becomes much surer."""

PROBE = 16
"""Pictures of the first batch, whose speed is measured."""

MINUTES = 5.0


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """What is painted, and for how long the evaluation may go on.

    Attributes:
        n: pictures a prompt.
        cases: the prompts that are asked.
        left_out: prompts that the time has no room for.
        minutes: that were given; None where `n` was, and then nothing is cut short.
        pictures_per_second: that were measured; None where nobody had to know.
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
    """Choose the number of pictures; where `minutes` decide, after measuring the speed.

    Args:
        tti: the model.
        cases: all that may be asked.
        n: pictures a prompt; then the time does not matter.
        minutes: of the whole evaluation; by default `MINUTES`.
        spent: seconds of them that are gone.
        settings: with which it will be painted.

    Raises:
        UsageError: both `n` and `minutes`, or one that is out of range.
    """
    check_size(n, minutes)
    if n is not None:
        return SamplingPlan(n, tuple(cases))
    given = MINUTES if minutes is None else minutes
    speed = yield from _speed(tti, cases, **settings)
    return fitted(cases, given, speed, spent)


def fitted(
    cases: Sequence[PromptCase], minutes: float, speed: float, spent: float = 0.0
) -> SamplingPlan:
    """The plan for so many minutes at so many pictures a second.

    At least one prompt is asked once, however little time there is.
    """
    room = max(1, min(MOST, int(speed * max(0.0, 60 * minutes - spent) * PAINTING)))
    asked = fewer(cases, room)
    n = max(1, room // len(asked))
    return SamplingPlan(n, tuple(asked), len(cases) - len(asked), minutes, speed)


def check_size(n: int | None, minutes: float | None) -> None:
    """Raise a `UsageError` where size and time cannot be meant."""
    if n is not None and minutes is not None:
        raise UsageError(
            "-n and --minutes are both given",
            "each decides the number of pictures",
            "give one of them",
            param="minutes",
        )
    if n is not None:
        checked_whole("n", n, most=MOST)
    if minutes is not None:
        checked_minutes(minutes)


def _speed(
    tti: TextToImage, cases: Sequence[PromptCase], **settings: Any
) -> Generator[Progress, None, float]:
    """Pictures a second of a batch; the first step is warming up and is not counted."""
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
