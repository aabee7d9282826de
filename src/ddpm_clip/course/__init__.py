"""The course: lessons that run on a laptop, exercises with graders, and a student's progress.

- `answers/`: reference answers of the exercises
- `assessment/`: the student's own model, painted from and read by a judge
- `bricks`: a small U-Net whose parts can be swapped one at a time
- `catalogue`: which lessons there are, and how long they take
- `exact`: worlds whose perfect denoiser is known in closed form
- `exercises/`: questions, graders, hints and quizzes
- `fitting`: the training loop of the lessons
- `grading/`: judges an answer by what it does
- `notebooks`: lessons as percent scripts, cells and notebooks
- `overlap`: where the stamps of a transposed convolution overlap
- `petal_colour`: the colour of a flower's petals, measured without any network
- `pictures`: the pictures of the lessons
- `reading`: what the independent judges read in pictures
- `session`: what a lesson calls: pick, show, table, claim, check, hint, quiz
- `showing`: pictures and tables below the cell of a notebook
- `student/`: what belongs to one student: folder, progress, certificate

Beside these files, `lessons/` holds the lessons themselves: percent scripts, which are data here
and are never imported, and `data/` holds the painted digits.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddpm_clip.course.session import Lesson


def lesson(id: str) -> "Lesson":
    """Open a lesson, such as "02": the first line of every lesson calls this.

    Raises:
        UsageError: there is no such lesson.
    """
    from ddpm_clip.course.session import Lesson

    return Lesson.open(id)
