"""Time several arms in alternation, so that a busy minute affects all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one arm, round by round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median over all rounds."""
        return statistics.median(self.seconds)

    def as_dict(self, work: float = 0.0) -> dict[str, Any]:
        """The JSON form; with `work`, also the work done per second."""
        facts: dict[str, Any] = {
            "seconds": round(self.median, 5),
            "rounds": len(self.seconds),
            "seconds_range": [round(min(self.seconds), 5), round(max(self.seconds), 5)],
        }
        return facts | ({"per_second": round(work / self.median, 2)} if work else {})


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much faster one arm is than another, comparing the same rounds."""

    median: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """The JSON form."""
        return {
            "median": round(self.median, 3),
            "low": round(self.low, 3),
            "high": round(self.high, 3),
        }


def ratio(rates: Sequence[float], others: Sequence[float]) -> Ratio:
    """rates / others, round by round: median, smallest and largest.

    >>> ratio([4.0, 6.0, 8.0], [2.0, 2.0, 2.0])
    Ratio(median=3.0, low=2.0, high=4.0)
    """
    found = [rate / other for rate, other in zip(rates, others, strict=True)]
    return Ratio(statistics.median(found), min(found), max(found))


def rates(timing: Timing, work: float) -> list[float]:
    """Work per second, round by round."""
    return [work / seconds for seconds in timing.seconds]


def side_by_side(
    arms: Mapping[str, Callable[[], object]],
    rounds: int = 5,
    *,
    warm_up: int = 1,
    told: Callable[[str], object] = lambda text: None,
) -> dict[str, Timing]:
    """Time every arm once per round, in reverse order every other round.

    Args:
        arms: functions to time, by name.
        rounds: number of rounds.
        warm_up: number of uncounted calls of each arm before the first round.
        told: receives a message at the start of every round.
    """
    for work in list(arms.values()) * warm_up:
        work()
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(rounds):
        told(f"round {number + 1} of {rounds}")
        names = list(arms)[:: -1 if number % 2 else 1]
        for name in names:
            seconds[name].append(timed(arms[name]))
    return {name: Timing(tuple(found)) for name, found in seconds.items()}


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call; waits for a GPU to finish before reading the clock."""
    _wait()
    start = time.perf_counter()
    work()
    _wait()
    return time.perf_counter() - start


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class Stopwatch:
    """Counts seconds of work, without the time inside `paused`.

    Args:
        spent: initial number of seconds.
        clock: returns the time; can be replaced in tests.
    """

    def __init__(self, spent: float = 0.0, clock: Callable[[], float] = time.perf_counter):
        self._clock, self._spent = clock, spent
        self._since: float | None = clock()

    @property
    def seconds(self) -> float:
        """Seconds of work so far."""
        return self._spent + (0.0 if self._since is None else self._clock() - self._since)

    @contextmanager
    def paused(self):  # type: ignore[no-untyped-def]
        """Stop the clock for the duration of a `with` block."""
        self._spent, self._since = self.seconds, None
        try:
            yield self
        finally:
            self._since = self._clock()
