"""Exercise of lesson 00: words on a circle."""

import math

from ddpm_clip.course.grading import Case, Exercise, Mistake


def _truth(n: int) -> float:
    return math.cos(2 * math.pi / n)


def _cases(seed: int) -> list[Case]:
    return [(n,) for n in (10, 2, 4, 3, 7, 360)]


NEIGHBOURS = Exercise(
    id="0.1",
    name="neighbour_cosine",
    parameters=("n",),
    question="Return the cosine of neighbouring words when n words are spread evenly on a circle.",
    truth=_truth,
    cases=_cases,
    mistakes=(
        Mistake(
            "degrees",
            lambda n: math.cos(360 / n),
            "Functions of Python's math module take radians; a full turn is not 360 there.",
        ),
        Mistake(
            "gaps counted as words minus one",
            lambda n: math.cos(2 * math.pi / (n - 1)),
            "On a circle the last word is a neighbour of the first, so there are n gaps.",
        ),
        Mistake(
            "sine",
            lambda n: math.sin(2 * math.pi / n),
            "The similarity of two unit vectors is the cosine of the angle between them.",
        ),
        Mistake(
            "half the angle",
            lambda n: math.cos(math.pi / n),
            "n gaps make a full turn, which is 2 pi.",
        ),
    ),
    hints=(
        "How large is the angle between two neighbours, if n of them make a full turn?",
        "For n = 4 the neighbours are at right angles, and the cosine is 0.",
        "The angle is a full turn divided by n, in radians.",
    ),
    explanation=(
        "n words share a full turn of 2 pi, so neighbours are 2 pi / n apart. For ten words that "
        "is 36 degrees and a cosine of .809: in two dimensions ten words cannot be less alike."
    ),
)

EXERCISES = (NEIGHBOURS,)
