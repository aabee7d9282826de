"""The exercises of all lessons with their graders, and the quizzes.

- `given/`: what answers are tried on
- `lesson_00`: words on a circle
- `lesson_01`: mixing noise, transposed convolutions, skips
- `lesson_02`: noise levels, the jump, the step back, the chain
- `lesson_03`: group norm, rearranging, overlaps, features of time, groups
- `lesson_04`: the mask, guidance, weight and scale
- `lesson_05`: similarities, prompts, the contrastive loss
- `lesson_05b`: whole conditions dropped, texts shifted, the null condition
- `lesson_06`: the seven tasks of the assessment
- `lesson_07`: a value against a null, a verdict from an interval
- `lesson_08`: the learning rate, averaged weights, pairs by key
- `lesson_09`: the denoiser that copies
- `quizzes`: questions with options
"""

import re

from ddpm_clip.course.exercises.lesson_00 import EXERCISES as IN_00
from ddpm_clip.course.exercises.lesson_01 import EXERCISES as IN_01
from ddpm_clip.course.exercises.lesson_02 import EXERCISES as IN_02
from ddpm_clip.course.exercises.lesson_03 import EXERCISES as IN_03
from ddpm_clip.course.exercises.lesson_04 import EXERCISES as IN_04
from ddpm_clip.course.exercises.lesson_05 import EXERCISES as IN_05
from ddpm_clip.course.exercises.lesson_05b import EXERCISES as IN_05B
from ddpm_clip.course.exercises.lesson_06 import EXERCISES as IN_06
from ddpm_clip.course.exercises.lesson_07 import EXERCISES as IN_07
from ddpm_clip.course.exercises.lesson_08 import EXERCISES as IN_08
from ddpm_clip.course.exercises.lesson_09 import EXERCISES as IN_09
from ddpm_clip.course.exercises.quizzes import QUIZZES
from ddpm_clip.course.grading import Exercise
from ddpm_clip.errors import UsageError

_LESSONS = (IN_00, IN_01, IN_02, IN_03, IN_04, IN_05, IN_05B, IN_06, IN_07, IN_08, IN_09)

EXERCISES: dict[str, Exercise] = {one.id: one for part in _LESSONS for one in part}
"""Id -> exercise, in the order of the lessons."""


def exercise(id: str) -> Exercise:
    """Return the exercise with this id; "02.3" is "2.3".

    Raises:
        UsageError: there is none.
    """
    id = re.sub(r"^0+(?=\d)", "", id)
    if id in QUIZZES:
        raise UsageError(
            f"{id} is a question, no exercise",
            "it is asked and answered in its lesson",
            f'L.quiz("{id}", "a") in the lesson says what there is to say about an answer',
            param="what",
        )
    if id not in EXERCISES:
        near = [one for one in EXERCISES if one.split(".")[0] == id.split(".")[0]]
        raise UsageError(
            f"there is no exercise {id!r}",
            f"those of this lesson are {', '.join(near)}" if near else "ids look like 2.2 or 5b.1",
            "ddpm-clip course list shows them all",
            param="what",
        )
    return EXERCISES[id]


__all__ = ["EXERCISES", "QUIZZES", "exercise"]
