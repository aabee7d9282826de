"""Ranges of numbers, and the error messages for values outside them.

Each number that a user can set has its range and its meaning here, so that the command line, Python
and files accept or refuse it alike. docs/errors.md has the whole table, and a test tries each of
its lines. Names and switches are validated where they are used.
"""

import math
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from numbers import Integral, Real
from typing import Any, NamedTuple

from ddpm_clip.errors import UsageError

MAX_SEED = 2**32 - 1
MAX_PICTURES = 100_000
MAX_SEEDS = 256
MAX_PROMPT = 4000
"""Most characters of a prompt; no embedder reads more, so a longer text is a mistake."""


class Range(NamedTuple):
    """The lowest and the highest value of a number, and what the number means."""

    low: float
    high: float
    why: str


WHOLE = {
    "n": Range(1, MAX_PICTURES, "it is the number of pictures per prompt"),
    "seed": Range(0, MAX_SEED, "a seed has 32 bits; -1 chooses one at random"),
    "steps": Range(1, 10**9, "it is the number of sampling steps"),
    "batch": Range(1, MAX_PICTURES, "it is the number of pictures painted at once"),
    "frames": Range(2, 1000, "it is the number of pictures, both ends included"),
    "rounds": Range(1, 100, "it is how often inpainting takes each sampling step"),
    "k": Range(1, 10_000, "it is the number of nearest pictures to list"),
    "threads": Range(1, 1024, "it is the number of CPU threads that compute"),
    "clip_travel": Range(0, 100, "it is how often each guided step is repeated"),
    "clip_views": Range(1, 1000, "it is the number of random views for the guiding CLIP"),
}
"""Ranges of whole numbers."""

NUMBERS = {
    "w": Range(-3.0, 30.0, "0 is no guidance; the scale is s = 1 + w"),
    "guidance": Range(-2.0, 31.0, "1 is no guidance; the scale is s = 1 + w"),
    "rescale": Range(0.0, 1.0, "it is the share of the CFG rescale; 0 is off"),
    "strength": Range(0.0, 1.0, "it is how far an edit may depart from the picture"),
    "minutes": Range(0.001, 1440.0, "the longest time is a day"),
    "weights": Range(-100.0, 100.0, "only their proportions matter"),
    "clip_guidance": Range(0.0, 100.0, "0 is off, 1 is a good start"),
}
"""Ranges of finite numbers."""


def checked_seeds(seeds: int | Sequence[int]) -> list[int]:
    """Return the seeds of the pictures of an explanation; a number n means 0 to n - 1.

    Raises:
        UsageError: There are none or too many, one is out of range, or one is repeated.
    """
    seeds = plain(seeds)
    several = range(seeds) if isinstance(seeds, int) else seeds
    chosen = list(islice(several if isinstance(several, Iterable) else [seeds], MAX_SEEDS + 1))
    if not 1 <= len(chosen) <= MAX_SEEDS:
        many = f"too many seeds: at most {MAX_SEEDS}" if chosen else "no seeds"
        raise UsageError(
            many,
            "a picture is painted and analysed for each seed",
            f"choose 1 to {MAX_SEEDS} seeds",
            param="seeds",
        )
    chosen = [checked_whole("seed", seed, param="seeds") for seed in chosen]
    if len(set(chosen)) < len(chosen):
        raise UsageError(
            "a seed is given twice",
            "its picture would count twice",
            "give each seed once",
            param="seeds",
        )
    return chosen


def checked_size(size: str) -> str:
    """Return a size, which is `auto` or WIDTHxHEIGHT.

    Raises:
        UsageError: It is neither.
    """
    if not isinstance(size, str) or not re.fullmatch("auto|[1-9][0-9]{0,3}x[1-9][0-9]{0,3}", size):
        raise UsageError(
            f"size = {shortened(size)} is not a valid size",
            "a size is WIDTHxHEIGHT in pixels",
            "choose auto, or the size that the model paints, such as 32x32",
            param="size",
        )
    return size


def checked_strength(strength: float) -> float:
    """Return the strength of an edit, in [0, 1]; otherwise raise a `UsageError`."""
    return within("strength", strength)[0]


def checked_minutes(minutes: float) -> float:
    """Return the minutes that an evaluation may take; otherwise raise a `UsageError`."""
    return within("minutes", minutes)[0]


def checked_frames(frames: int) -> int:
    """Return the number of pictures of an interpolation; otherwise raise a `UsageError`."""
    return checked_whole("frames", frames)


def checked_rounds(rounds: int) -> int:
    """Return how often inpainting takes each step; otherwise raise a `UsageError`."""
    return checked_whole("rounds", rounds)


def checked_weights(weights: Sequence[float]) -> list[float]:
    """Return the weights of a blend, at least one of which is not 0.

    Raises:
        UsageError: One is not a number or out of range, or all are 0.
    """
    numbers = list(within("weights", list(weights)))
    if not any(numbers):
        raise UsageError(
            "weights are all 0",
            "at least one weight must not be 0",
            "change one of them",
            param="weights",
        )
    return numbers


def checked_whole(name: str, value: Any, *, most: int | None = None, param: str = "") -> int:
    """Return a whole number if it is within its range in `WHOLE`.

    Args:
        name: Its name in `WHOLE`.
        value: The requested value; 2.0 and True do not count as whole numbers, those of NumPy do.
        most: A lower upper end, if this use has one.
        param: The option at fault, if it is not called `name`.

    Raises:
        UsageError: It is not a whole number, or out of range.
    """
    low, high, why = WHOLE[name]
    high, value = high if most is None else most, plain(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not (is_whole and low <= value <= high):
        fault = "out of range" if is_whole else "not a whole number"
        raise UsageError(
            f"{name} = {shortened(value)} is {fault}",
            why,
            f"choose a whole number from {low} to {high}",
            param=param or name,
        )
    return int(value)


def plain(value: Any) -> Any:
    """Return numbers of NumPy, torch or the standard library as `int` and `float`, arrays as lists.

    Anything else is returned unchanged.

    >>> from fractions import Fraction
    >>> plain(Fraction(1, 4)), plain("7")
    (0.25, '7')
    """
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy and torch
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def within(name: str, value: Any) -> tuple[float, ...]:
    """Return one number or several as floats; a `UsageError` if one is outside `NUMBERS[name]`."""
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
    """Raise a `UsageError` unless it is two rising noise levels sigma / alpha, from 0 on."""
    ends = _numbers(name, value)
    if len(ends) != 2 or not 0 <= ends[0] < ends[1]:
        raise UsageError(
            f"{name} = {shortened(value)} is not a valid range",
            "it is a range of noise levels sigma / alpha",
            "give two rising numbers, such as (0.15, 3)",
            param=name,
        )


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    """Return one finite number or several as a tuple of floats."""
    value = plain(value)
    values = value if isinstance(value, (list, tuple)) else (value,)
    wrong = [one for one in values if not _is_number(one)]
    if wrong or not values:
        raise UsageError(
            f"{name} = {shortened([*wrong, value][0])} is not a number",
            "it must be a finite number",
            "give a number, such as 1",
            param=name,
        )
    return tuple(float(v) for v in values)


def _is_number(value: Any) -> bool:
    """Whether it is a finite int or float, not bool; an int may be too large for a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= 1e300 and math.isfinite(value)


def shortened(value: object) -> str:
    """Return the `repr` of a value, cut to 60 characters: a value from outside may be long."""
    whole = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "a huge number"
    return whole if len(whole) <= 60 else whole[:60] + "…"
