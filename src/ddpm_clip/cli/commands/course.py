"""`course`: lessons for a laptop, exercises with graders, and a student's progress."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson
from ddpm_clip.errors import UsageError

if TYPE_CHECKING:
    from ddpm_clip.course.assessment import AssessmentResult
    from ddpm_clip.course.grading import Exercise, Grade
    from ddpm_clip.course.student.folder import StudentFolder

Action = Annotated[
    str,
    typer.Argument(
        metavar="ACTION", help="start, list, check, hint, answer or report.", show_default=False
    ),
]
What = Annotated[
    str | None,
    typer.Argument(
        metavar="WHAT",
        help="An exercise such as 2.2, a lesson such as 02, submission, or all.",
        show_default=False,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--dir", metavar="DIR", help="Your folder; default: ddpm-clip-course, or this one."
    ),
]
Name = Annotated[str, typer.Option(metavar="NAME", help="Your name, for the report.")]
GiveUp = Annotated[
    bool, typer.Option("--give-up", help="Show the answer without an attempt of your own.")
]

SUBMISSION = "submission"
"""The word for what lesson 06 hands in."""

NOT_YET = 1
"""Exit code of `check` if an answer does not pass yet."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    what: str | None
    folder: Path | None
    name: str
    give_up: bool
    as_json: bool


def course(
    action: Action,
    what: What = None,
    folder: Folder = None,
    name: Name = "",
    give_up: GiveUp = False,
    as_json: AsJson = False,
) -> None:
    """Learn how it works: lessons for a laptop, with graded exercises.

    ddpm-clip course start
    ddpm-clip course check 2.2
    ddpm-clip course hint 2.2

    "start" writes the lessons into a folder, as notebooks and as scripts. "list" shows lessons,
    exercises and what is passed. "check" grades your answers by what they do, and what lesson 06
    handed in by what a judge reads; the exit code is 1 if one does not pass yet. "hint" shows the
    next hint, and "answer" the reference after an attempt. "report" writes certificate.html. No GPU
    and no network are needed.
    """
    if action not in ACTIONS:
        raise UsageError(
            f"unknown action {action!r}", f"choose from: {', '.join(ACTIONS)}", param="action"
        )
    ACTIONS[action](Asked(what, folder, name, give_up, as_json))


def _start(asked: Asked) -> None:
    from ddpm_clip.course.student.folder import StudentFolder

    folder, started = StudentFolder.start(asked.folder)
    if asked.as_json:
        files = {name: [str(p) for p in getattr(started, name)] for name in ("written", "kept")}
        return console.result_json({"folder": str(folder.path), **files})
    for path in started.written:
        console.result(str(path))
    if started.kept:
        console.say(f"{len(started.kept)} files were there and are as they were")
    if started.no_notebooks:
        console.warn(f"only scripts were written: {started.no_notebooks}")
    runs = "python 00_demo.py" if started.no_notebooks else "jupyter lab 00_demo.ipynb"
    console.say(f"Begin with: cd {folder.path}, then {runs}")
    console.say("Each lesson is there twice, .ipynb and .py: write your answers into one of them")


def _list(asked: Asked) -> None:
    from ddpm_clip.course.student.folder import StudentFolder, chosen, written_lessons

    progress = StudentFolder.open(asked.folder).progress
    exercises_shown = chosen(asked.what or "all")
    ids = {one.lesson for one in exercises_shown}
    shown = [one for one in written_lessons() if one.id in ids]
    if asked.as_json:
        exercises = [
            {"id": one.id, "lesson": one.lesson, "question": one.question}
            | {"passed": progress.of(one.id).passed, "attempts": progress.of(one.id).attempts}
            for one in exercises_shown
        ]
        lessons = [{"id": f.id, "title": f.title, "seconds": f.seconds} for f in shown]
        return console.result_json({"lessons": lessons, "exercises": exercises})
    for lesson in shown:
        console.result(f"{lesson.id:<4}{lesson.title}, about {-(-lesson.seconds // 60)} min")
        for one in exercises_shown:
            if one.lesson == lesson.id:
                console.result(f"    {one.id:<5} {_state(progress.of(one.id)):<8} {one.question}")


def _check(asked: Asked) -> None:
    from ddpm_clip.course.student.folder import StudentFolder, chosen

    folder, what = StudentFolder.open(asked.folder), asked.what or "all"
    done: list[Grade | AssessmentResult] = []
    files = set[Path]()
    for one in () if what == SUBMISSION else chosen(what):
        file = folder.file_with(one)
        if file not in files:
            console.say(f"your answers in {file}:")
        files.add(file)
        done.append(folder.check(one))
        _tell(done[-1], asked)
    if what == SUBMISSION or (what == "all" and folder.has_submission):
        done.append(_judged(folder))
        _tell(done[-1], asked)
    if asked.as_json:
        console.result_json({"grades": [one.as_dict() for one in done]})
    passed = sum(one.passed for one in done)
    console.say(f"{passed} of {len(done)} passed")
    if passed < len(done):
        raise typer.Exit(NOT_YET)


def _tell(found: "Grade | AssessmentResult", asked: Asked) -> None:
    if not asked.as_json:
        console.result(str(found))


def _judged(folder: "StudentFolder") -> "AssessmentResult":
    if folder.has_submission:
        console.say("judging the submission: sixty pictures, some seconds")
    return folder.judge()


def _hint(asked: Asked) -> None:
    folder, one = _opened(asked)
    number, text = folder.hint(one)
    if asked.as_json:
        return console.result_json({"exercise": one.id, "number": number, "hint": text})
    passed = folder.progress.of(one.id).passed
    console.result(
        f"all hints:\n{text}" if passed else f"hint {number} of {len(one.hints)}: {text}"
    )


def _answer(asked: Asked) -> None:
    from ddpm_clip.course.answers import source

    folder, one = _opened(asked)
    if not (asked.give_up or folder.may_see_answer(one)):
        raise UsageError(
            f"exercise {one.id} has not been tried yet",
            "the answer is shown after an attempt",
            f"ddpm-clip course check {one.id}, hint {one.id}, or answer {one.id} --give-up",
            param="give_up",
        )
    folder.progress.answer_shown(one.id)
    if asked.as_json:
        facts = {"exercise": one.id, "answer": source(one.id), "explanation": one.explanation}
        return console.result_json(facts)
    console.result(f"{source(one.id)}\n{one.explanation}")


def _report(asked: Asked) -> None:
    from ddpm_clip.course.student.certificate import FILE, certificate
    from ddpm_clip.course.student.folder import StudentFolder
    from ddpm_clip.utils.storage import write_text

    folder = StudentFolder.open(asked.folder)
    path = folder.path / FILE
    verdict = _judged(folder) if folder.has_submission else None
    write_text(path, certificate(folder, asked.name, verdict))
    if asked.as_json:
        return console.result_json({"file": str(path)})
    console.result(str(path))


def _opened(asked: Asked) -> "tuple[StudentFolder, Exercise]":
    from ddpm_clip.course.exercises import exercise
    from ddpm_clip.course.student.folder import StudentFolder

    if not asked.what:
        raise UsageError("no exercise is named", fix="such as: 2.2", param="what")
    return StudentFolder.open(asked.folder), exercise(asked.what)


def _state(own: object) -> str:
    attempts = getattr(own, "attempts", 0)
    if getattr(own, "passed", ""):
        return "passed"
    return f"tried {attempts}" if attempts else "open"


ACTIONS: dict[str, Callable[[Asked], None]] = {
    "start": _start,
    "list": _list,
    "check": _check,
    "hint": _hint,
    "answer": _answer,
    "report": _report,
}
"""What the command can do."""
