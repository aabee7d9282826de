"""The student's folder: lessons as notebooks and scripts, without outputs, and the progress.

Lessons that are there are never written over. Of a notebook and a script of one name, the one that
was changed last is the student's; where an answer is written in the other one only, it is that one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ddpm_clip.course.assessment import AssessmentResult, judge_submission
from ddpm_clip.course.assessment.submission import FOLDER as SUBMISSION
from ddpm_clip.course.catalogue import LESSONS, LessonFile, lesson_file
from ddpm_clip.course.exercises import EXERCISES, exercise
from ddpm_clip.course.grading import Exercise, Grade
from ddpm_clip.course.notebooks import (
    Cell,
    as_notebook,
    notebook_text,
    read_cells,
    read_percent,
    tagged,
)
from ddpm_clip.course.student.progress import FILE, Progress
from ddpm_clip.course.student.running import SECONDS, grade_cells
from ddpm_clip.errors import UsageError
from ddpm_clip.utils.storage import write_text

NAME = "ddpm-clip-course"
"""Name of the folder that `start` makes."""


@dataclass(frozen=True, slots=True)
class Started:
    """What `start` wrote: files, and why there are no notebooks, or ""."""

    written: list[Path]
    kept: list[Path]
    no_notebooks: str


class StudentFolder:
    """A folder that `start` has made.

    Args:
        path: the folder.
        progress: the progress in it.
    """

    def __init__(self, path: Path, progress: Progress):
        self.path, self.progress = path, progress

    @classmethod
    def open(cls, path: Path | None = None) -> "StudentFolder":
        """Open a folder; None takes the current one, or the course's folder in it.

        Raises:
            MissingInput: there is no progress in it.
        """
        if path is None:
            path = Path() if Path(FILE).is_file() else Path(NAME)
        return cls(path, Progress.load(path))

    @classmethod
    def start(cls, path: Path | None = None) -> "tuple[StudentFolder, Started]":
        """Write the lessons that are not there yet, and begin the progress."""
        path = Path(NAME) if path is None else path
        path.mkdir(parents=True, exist_ok=True)
        written, kept, without = list[Path](), list[Path](), ""
        for lesson in written_lessons():
            for file in (path / f"{lesson.name}.ipynb", path / f"{lesson.name}.py"):
                if file.exists():
                    kept.append(file)
                    continue
                try:
                    text = lesson.text
                    if file.suffix == ".ipynb":
                        text = notebook_text(as_notebook(text))
                except UsageError as error:  # no jupytext: scripts do as well
                    without = f"{error.why}; {error.fix}"
                    continue
                write_text(file, text)
                written.append(file)
        return cls(path, Progress.start(path)), Started(written, kept, without)

    def file_with(self, asked: Exercise) -> Path:
        """Return the file changed last in which the answer is written, else the last changed.

        Jupyter saves a notebook that is only looked at; the answers of a script still count then.
        Where there is no file of the lesson, the notebook's path is returned.

        Raises:
            DataError: a notebook is damaged.
        """
        lesson = lesson_file(asked.lesson)
        files = [self.path / f"{lesson.name}{ending}" for ending in (".ipynb", ".py")]
        there = [file for file in files if file.is_file()]
        there.sort(key=lambda file: file.stat().st_mtime_ns, reverse=True)
        stub = _cell(read_percent(lesson.text), asked)
        written = (file for file in there if _cell(read_cells(file), asked) not in ("", stub))
        return next(written, there[0] if there else files[0])

    def check(self, asked: Exercise, seconds: float = SECONDS) -> Grade:
        """Grade what is written in the student's file, and note it in the progress.

        Raises:
            MissingInput: the lesson is not in the folder.
            DataError: its notebook is damaged.
        """
        cells = read_cells(self.file_with(asked))
        found = grade_cells(asked, cells, self.path, seconds)
        self.progress.record(found)
        return found

    @property
    def has_submission(self) -> bool:
        """Whether lesson 06 has handed something in."""
        return (self.path / SUBMISSION).is_dir()

    def judge(self) -> AssessmentResult:
        """Judge what lesson 06 has handed in.

        Raises:
            MissingInput: there is nothing.
            DataError: it cannot be used.
        """
        return judge_submission(self.path / SUBMISSION)

    def hint(self, asked: Exercise) -> tuple[int, str]:
        """Return the number and the text of the next hint, and note that it was shown.

        After the exercise has passed: the last number, and all hints, one a line.
        """
        passed, last = bool(self.progress.of(asked.id).passed), len(asked.hints)
        if passed:  # nothing is counted any more, so all of them are shown
            return last, "\n".join(asked.hints)
        number = min(self.progress.of(asked.id).hints + 1, last)
        self.progress.hint_shown(asked.id, number)
        return number, asked.hints[number - 1]

    def may_see_answer(self, asked: Exercise) -> bool:
        """Return whether the reference may be shown: after an attempt."""
        return self.progress.of(asked.id).attempts > 0


def written_lessons() -> Iterator[LessonFile]:
    """Yield the lessons whose scripts ship."""
    return (lesson for lesson in LESSONS.values() if lesson.is_written)


def available() -> list[Exercise]:
    """Return the exercises of the lessons that ship."""
    ids = {lesson.id for lesson in written_lessons()}
    return [one for one in EXERCISES.values() if one.lesson in ids]


def chosen(what: str) -> list[Exercise]:
    """Return the exercises that a word names: an exercise, a lesson or "all".

    Raises:
        UsageError: it names none.
    """
    if what == "all":
        return available()
    found = [exercise(what)] if "." in what else []
    lesson = lesson_file(found[0].lesson if found else what)
    if not lesson.is_written:
        raise UsageError(
            f"lesson {lesson.id} does not ship yet",
            "only its exercises do",
            f"choose from: {', '.join(one.id for one in written_lessons())}",
            param="what",
        )
    return found or [one for one in EXERCISES.values() if one.lesson == lesson.id]


def _cell(cells: Sequence[Cell], asked: Exercise) -> str:
    """Return the text of the cell that is tagged for the answer, or ""."""
    at = tagged(cells, asked.tag)
    return "" if at is None else cells[at].source.strip()
