"""Exercises of lesson 07: a value against a null, and a verdict from an interval."""

import torch
from torch import Tensor

from ddpm_clip.course.exercises.given.cases import normal
from ddpm_clip.course.grading import Case, Exercise, Mistake


def _z(value: float, null: Tensor) -> float:
    return float((value - null.double().mean()) / null.double().std())


def _z_cases(seed: int) -> list[Case]:
    return [
        (3.0, normal(seed, 8)),
        (-2.0, normal(seed + 1, 5) * 3 + 1),
        (0.5, torch.tensor([0.0, 1.0, 2.0])),
    ]


Z_AGAINST = Exercise(
    id="7.1",
    name="z_against",
    parameters=("value", "null"),
    question="By how many standard deviations of the null does a value lie above its mean?",
    truth=_z,
    cases=_z_cases,
    mistakes=(
        Mistake(
            "value counted into the null",
            lambda value, null: _z(value, torch.cat([null, torch.tensor([value])])),
            "The null is what happens without the effect; the value is not one of it.",
        ),
        Mistake(
            "standard deviation of a whole population",
            lambda value, null: float((value - null.mean()) / null.std(unbiased=False)),
            "The null is a sample. Divide by n - 1, or a small sample looks too narrow.",
        ),
        Mistake(
            "sign lost",
            lambda value, null: abs(_z(value, null)),
            "A value below the null is no evidence for an effect above it.",
        ),
        Mistake(
            "variance instead of standard deviation",
            lambda value, null: float((value - null.mean()) / null.var()),
            "z has no unit: divide by the standard deviation.",
        ),
    ),
    hints=(
        "Two numbers describe the null: its mean and its standard deviation.",
        "How far is the value from the mean, in standard deviations?",
        "For a sample, the standard deviation divides by n - 1.",
    ),
    explanation="(value - mean) / std of the null, with n - 1. The sign says on which side it is.",
)


def _verdict(low: float, high: float, bar: float) -> str:
    if low > bar:
        return "pass"
    return "fail" if high <= bar else "inconclusive"


VERDICT = Exercise(
    id="7.2",
    name="verdict",
    parameters=("low", "high", "bar"),
    question=(
        "Return 'pass' if the whole interval is above the bar, 'fail' if none of it is, and "
        "'inconclusive' otherwise."
    ),
    truth=_verdict,
    cases=lambda seed: [
        (0.4, 0.6, 0.3),
        (0.1, 0.2, 0.3),
        (0.2, 0.45, 0.3),
        (0.1, 0.4, 0.3),
        (0.3, 0.5, 0.3),
        (0.1, 0.3, 0.3),
    ],
    mistakes=(
        Mistake(
            "middle of the interval",
            lambda low, high, bar: "pass" if (low + high) / 2 > bar else "fail",
            "The middle is a guess. The interval says how far off it may be.",
        ),
        Mistake(
            "inconclusive taken for a failure",
            lambda low, high, bar: "pass" if low > bar else "fail",
            "If the bar lies inside the interval, nothing has been shown either way.",
        ),
        Mistake(
            "bar reached is bar passed",
            lambda low, high, bar: (
                "pass" if low >= bar else "fail" if high < bar else "inconclusive"
            ),
            "Above the bar means above: an interval that begins at the bar has not shown it.",
        ),
        Mistake(
            "ends of the interval swapped",
            lambda low, high, bar: (
                "pass" if high > bar else "fail" if low <= bar else "inconclusive"
            ),
            "It passes if even the lower end is above the bar.",
        ),
    ),
    hints=(
        "Which end of the interval must be above the bar for a pass?",
        "Which end must not be above it for a failure?",
        "Try intervals that begin or end exactly at the bar.",
    ),
    explanation="The lower end decides a pass, the upper end a failure; else it is inconclusive.",
)

EXERCISES = (Z_AGAINST, VERDICT)
