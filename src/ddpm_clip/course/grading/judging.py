"""One answer to one exercise -> a grade: first what is always tried, then the exercise's checks."""

from collections.abc import Iterator
from typing import Any

import torch

from ddpm_clip.course.grading.always import always
from ddpm_clip.course.grading.comparing import (
    Raised,
    arguments,
    called,
    fresh,
    same,
    shown,
    shown_apart,
)
from ddpm_clip.course.grading.exercise import Answer, Check, Exercise, Mistake
from ddpm_clip.course.grading.findings import Finding, Grade

OF_VALUES = ("type", "shape", "dtype", "finite", "exception", "inputs unchanged")
"""Findings of `always` that come from values; behind them a known mistake may stand."""


def grade(exercise: Exercise, answer: Any) -> Grade:
    """Judge an answer; never raises because of it.

    The random state of torch is that of before, so grading changes nothing that comes after.
    """
    state = torch.get_rng_state()
    try:
        return Grade(exercise.id, tuple(_all(exercise, answer)))
    finally:
        torch.set_rng_state(state)


def _all(exercise: Exercise, answer: Any) -> Iterator[Finding]:
    for finding in always(exercise, answer):
        if finding.passed:
            yield finding
            continue
        if finding.name in OF_VALUES:  # a mistake that is known says more than a wrong shape
            found = [_recognised(exercise, mistake, answer) for mistake in exercise.mistakes]
            yield from [one for one in found if not one.passed]
        yield finding
        return
    for check in exercise.properties:
        yield _guarded(check, answer)
    for mistake in exercise.mistakes:
        yield _recognised(exercise, mistake, answer)
    if exercise.compares:
        yield _values(exercise, answer)


def _guarded(check: Check, answer: Answer) -> Finding:
    """Run a check; what the answer raises within it is a finding as well."""
    try:
        return check(answer)
    except Exception as error:
        return Finding("exception", False, "a value", shown(Raised(error, "")))


def _recognised(exercise: Exercise, mistake: Mistake, answer: Answer) -> Finding:
    """Does the answer give what the mistake gives, in every case?"""
    difference = None
    for case in exercise.cases(exercise.seed):
        wrong, right = called(mistake.does, case), exercise.truth(*fresh(case))
        if isinstance(wrong, Raised):
            continue
        got = called(answer, case)
        if not same(got, wrong, exercise.tolerance):
            return Finding(mistake.name, True)
        if difference is None and not same(wrong, right, exercise.tolerance):
            told = _told_apart(exercise, case, right, got)
            difference = Finding(mistake.name, False, *told, mistake.says)
    return difference or Finding(mistake.name, True)


def _values(exercise: Exercise, answer: Answer) -> Finding:
    for case in exercise.cases(exercise.seed):
        right, got = exercise.truth(*fresh(case)), called(answer, case)
        if isinstance(got, Raised):
            return Finding("exception", False, *_told_apart(exercise, case, right, got))
        if not same(got, right, exercise.tolerance):
            hint = "Compute the first of these numbers by hand, and print yours on the way to it."
            return Finding("values", False, *_told_apart(exercise, case, right, got), hint)
    return Finding("values", True)


def _told_apart(exercise: Exercise, case: tuple[Any, ...], right: Any, got: Any) -> tuple[str, str]:
    """Return what was expected, for which arguments, and what came."""
    expected, came = shown_apart(right, got)
    given = arguments(exercise.parameters, case)
    return f"{expected} for {given}" if given else expected, came
