"""How far a value may go, and the sentence for one that goes further.

Each number that a person can give has its range and its meaning here, so that the command line,
Python and files refuse it alike; docs/errors.md has the whole table, and a test tries each of its
lines. Names and switches are judged where they are used.
"""

import math
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from ddpm_clip.errors import UsageError

MAX_SEED = 2**32 - 1
MAX_PICTURES = 100_000
MAX_SEEDS = 256


class Range(NamedTuple):
    """The lowest and the highest value of a number, and what the number means."""

    low: float
    high: float
    why: str


WHOLE = {
    "n": Range(1, MAX_PICTURES, "it counts the pictures of a prompt"),
    "seed": Range(0, MAX_SEED, "a seed has 32 bits; -1 draws one"),
    "steps": Range(1, 10**9, "it counts the timesteps that are visited"),
    "batch": Range(1, MAX_PICTURES, "it counts the pictures that are painted at once"),
    "frames": Range(2, 1000, "it counts the pictures on the way, both ends included"),
    "rounds": Range(1, 100, "it counts how often inpainting walks each step"),
    "k": Range(1, 10_000, "it counts the nearest pictures that are named"),
    "clip_travel": Range(0, 100, "it counts how often a guided step is walked again"),
    "clip_views": Range(1, 1000, "it counts the views that the guiding CLIP looks at"),
}
"""Ranges of whole numbers."""

NUMBERS = {
    "w": Range(-3.0, 30.0, "0 is no guidance, and the scale is s = 1 + w"),
    "guidance": Range(-2.0, 31.0, "1 is no guidance, and the scale is s = 1 + w"),
    "rescale": Range(0.0, 1.0, "it is the share of the spread that is given back"),
    "strength": Range(0.0, 1.0, "it is how far an edit goes"),
    "minutes": Range(0.001, 1440.0, "a day is the longest"),
    "weights": Range(-100.0, 100.0, "only their proportions count"),
    "clip_guidance": Range(0.0, 100.0, "0 is off, and 1 is a good start"),
}
"""Ranges of finite numbers."""


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
            f"size = {shortened(size)} is no size",
            "a size is WIDTHxHEIGHT in pixels",
            "choose auto, or what the model paints, such as 32x32",
            param="size",
        )
    return size


def checked_strength(strength: float) -> float:
    """How far an edit goes, in [0, 1]; else a `UsageError`."""
    return within("strength", strength)[0]


def checked_minutes(minutes: float) -> float:
    """How long an evaluation may take; else a `UsageError`."""
    return within("minutes", minutes)[0]


def checked_frames(frames: int) -> int:
    """The pictures of an interpolation; else a `UsageError`."""
    return checked_whole("frames", frames)


def checked_rounds(rounds: int) -> int:
    """Times that inpainting walks each step; else a `UsageError`."""
    return checked_whole("rounds", rounds)


def checked_weights(weights: Sequence[float]) -> list[float]:
    """The weights of a blend, of which one at least is not 0.

    Raises:
        UsageError: one is no number or out of range, or there is nothing to blend.
    """
    numbers = list(within("weights", list(weights)))
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
            f"{name} = {shortened(value)} is {said}",
            why,
            f"choose a whole number from {low} to {high}",
            param=param or name,
        )
    return int(value)


def within(name: str, value: Any) -> tuple[float, ...]:
    """One number or several, each within its range in `NUMBERS`; else a `UsageError`."""
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


def checked_range(name: str, value: Any) -> None:
    """Raise a `UsageError` unless it is two numbers that rise, from 0 on: levels sigma / alpha."""
    ends = _numbers(name, value)
    if len(ends) != 2 or not 0 <= ends[0] < ends[1]:
        raise UsageError(
            f"{name} = {shortened(value)} is no range",
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
            f"{name} = {shortened([*wrong, value][0])} is no number",
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


def shortened(value: object) -> str:
    """A value as Python writes it, cut: what a file or a request holds may be long."""
    whole = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "a huge number"
    return whole if len(whole) <= 60 else whole[:60] + "…"
