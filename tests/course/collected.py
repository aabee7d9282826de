"""Where wrong answers and other right ones are collected, each under the exercise it is for."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True)
class Collected:
    """An answer; `finding` is the name of the finding that it must trip, "" for a right one."""

    exercise: str
    finding: str
    answer: Callable

    def __str__(self) -> str:
        return f"{self.exercise}-{self.answer.__name__}"


WRONG: list[Collected] = []
RIGHT: list[Collected] = []


def wrong(exercise: str, finding: str) -> Callable[[Callable], Callable]:
    """Collect a function as a wrong answer that has to fail by this finding."""

    def collect(answer: Callable) -> Callable:
        WRONG.append(Collected(exercise, finding, answer))
        return answer

    return collect


def right(*exercises: str) -> Callable[[Callable], Callable]:
    """Collect a function as a right answer to these exercises."""

    def collect(answer: Callable) -> Callable:
        RIGHT.extend(Collected(exercise, "", answer) for exercise in exercises)
        return answer

    return collect


def collect_all() -> None:
    """Import every file of answers; each collects its own."""
    for folder in ("wrong", "other_right"):
        for path in sorted(Path(__file__).with_name(folder).glob("*.py")):
            import_module(f"{folder}.{path.stem}")
