"""How a training that was given minutes keeps to them: the steps that are left are planned anew.

Progress runs from 0 to 1, and the learning rate follows it. Between two plans it grows evenly with
the steps; a new plan changes how many steps are left, never the progress so far. So the rate is
continuous, and has come down by the last step, whatever the machine did in between. The plans are
part of every checkpoint: the rate of a step follows from them and not from a clock.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

FIRST_LOOK = 5
"""Steps after which the first plan is compared with the clock."""

LOOKS = 100
"""How often the plan is compared with the clock, in all."""

TOLERANCE = 0.01
"""Relative change of the steps left that is worth a new plan."""

RECENT = 25
"""Steps whose median duration is the expected one, if that is few of all the steps, and at least
three: a pause of one step does not change it."""

CLOSING = 4.0
"""Seconds for what follows the last step, besides evaluations of the network: plots, files."""

BACKWARD = 3
"""A picture that is trained on costs about as much as evaluating the network so many times."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What a training has to know to end on time.

    Attributes:
        clock: returns seconds; only differences matter.
        began: reading of the clock when the whole work began; None is when the training begins.
        evaluations: evaluations of the network for one picture that follow the last step.
    """

    clock: Callable[[], float] = time.perf_counter
    began: float | None = None
    evaluations: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """From `step` on, where `progress` was reached, the training ends after `total` steps."""

    step: int
    progress: float
    total: int


@dataclass(slots=True)
class Pace:
    """The plans so far, and the time.

    Attributes:
        seconds: time for the whole training, in all calls together.
        plans: the plans, the last one in force.
        spent: seconds of it that were used up when this call began.
        batch: pictures per step.
        timing: the clock, and what follows the last step.
    """

    seconds: float
    plans: list[Plan]
    spent: float = 0.0
    batch: int = 1
    timing: Timing = Timing()
    _start: float | None = None
    _loop: float = 0.0
    _began: float = 0.0
    _next_look: int = 0
    _steps: int = 0
    _own: float = 0.0
    _recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    @classmethod
    def of(cls, minutes: float, steps: int, saved: Mapping[str, Any] | None = None) -> "Pace":
        """Return the pace of a training of `minutes`, new or as it was saved by `as_dict`.

        With other minutes than before, it has come as far as the time that was spent.
        """
        seconds = 60 * minutes
        if not saved:
            return cls(seconds, [Plan(0, 0.0, steps)])
        plans = [Plan(*one) for one in saved["plans"]]
        pace = cls(seconds, plans, saved["spent"])
        if seconds != saved["seconds"]:
            step = saved["step"]
            done = min(1.0, pace.spent / seconds)
            total = step + max(1, round(step * (1 - done) / max(done, 1e-9)))
            plans.append(Plan(step, done, total) if done < 1 else Plan(step, 1.0, step))
        return pace

    def as_dict(self, step: int) -> dict[str, Any]:
        """Return what a run that is resumed from `step` needs."""
        plans = [[one.step, one.progress, one.total] for one in self.plans]
        return {"seconds": self.seconds, "spent": self.elapsed(), "step": step, "plans": plans}

    @property
    def total(self) -> int:
        """Number of all steps, as planned now."""
        return self.plans[-1].total

    def progress(self, step: int) -> float:
        """Return the share of the training that is done after a step: 1 after the last one."""
        now = self.plans[-1]
        if step >= now.total:
            return 1.0
        return now.progress + (1 - now.progress) * (step - now.step) / (now.total - now.step)

    # The clock

    def start(self, step: int, batch: int, timing: Timing) -> None:
        """Begin a call after `step`. Only the first counts what it did before its first step."""
        self.timing, self.batch = timing, batch
        self._loop = timing.clock()
        self._start = self._loop if timing.began is None or step else timing.began
        self._next_look = step + FIRST_LOOK

    def elapsed(self) -> float:
        """Return the seconds that were used up in all calls."""
        return self.spent + (0.0 if self._start is None else self.timing.clock() - self._start)

    def left(self) -> float:
        """Return the seconds that are left for steps, without what follows the last one."""
        closing = CLOSING + self.timing.evaluations * self._expected() / (BACKWARD * self.batch)
        return self.seconds - self.elapsed() - (closing if self.timing.evaluations else 0.0)

    def begin(self, step: int) -> float:
        """Begin a step; return the share of the training that is done after it."""
        self._began = self.timing.clock()
        return self.progress(step)

    def is_due(self, step: int) -> bool:
        """End a step, and record how long it took; return whether to compare plan and clock now."""
        seconds = self.timing.clock() - self._began
        self._recent.append(seconds)
        self._steps += 1
        self._own += seconds
        return self._next_look <= step < self.total

    def look(self, step: int) -> tuple[int, int]:
        """Return (number of all steps, step of the next look) that the clock asks for."""
        around = (self.timing.clock() - self._loop - self._own) / self._steps
        each = max(1e-9, self._expected() + max(0.0, around))
        left = max(0.0, self.left())
        steps = max(1, math.floor(left / each))
        planned = self.total - step
        if abs(steps - planned) <= max(1, TOLERANCE * planned):
            steps = planned
        return step + steps, step + max(1, min(steps // 4, round(self.seconds / LOOKS / each)))

    def follow(self, step: int, total: int, next_look: int) -> bool:
        """Plan for what `look` returned; return whether the number of steps changes."""
        self._next_look = next_look
        if total == self.total:
            return False
        self.plans.append(Plan(step, self.progress(step), total))
        return True

    def _expected(self) -> float:
        few = min(RECENT, max(3, self.total // 20))
        return median(list(self._recent)[-few:]) if self._recent else 0.0
