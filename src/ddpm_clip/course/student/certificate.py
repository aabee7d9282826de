"""The progress of a student as one page: what was passed, with how much help, and the pictures.

It was made on the student's machine and nothing signs it; the page says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from platform import platform

import torch
from PIL import Image

import ddpm_clip
from ddpm_clip.course.assessment import AssessmentResult
from ddpm_clip.course.assessment.judging import Reading
from ddpm_clip.course.grading import Exercise
from ddpm_clip.course.student.folder import StudentFolder, available
from ddpm_clip.reports.page import render
from ddpm_clip.utils.tensors import to_picture

FILE = "certificate.html"
UNSIGNED = "This page was checked on the student's machine and is unsigned."
COLUMNS = ("exercise", "passed", "attempts", "hints", "answer seen")
SIDE = 42
"""Width of a picture in CSS pixels."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of the assessment on the page."""

    reading: Reading
    image: Image.Image

    @property
    def kind(self) -> str:
        """The style of its frame."""
        if self.reading.right:
            return "success"
        return "rejected" if self.reading.rejected else "failure"

    @property
    def mark(self) -> str:
        """What stands on it; "" if it is right."""
        return {"success": "", "rejected": "?", "failure": "✗"}[self.kind]

    @property
    def label(self) -> str:
        """Prompt and reading."""
        read = f"read as {self.reading.read}"
        return f"{self.reading.prompt}: " + (f"rejected, {read}" if self.reading.rejected else read)


def certificate(
    folder: StudentFolder, name: str = "", verdict: AssessmentResult | None = None
) -> str:
    """Return the page.

    Args:
        folder: the student's folder.
        name: the student's name, or "" for none.
        verdict: the result of the assessment; None if nothing was handed in.
    """
    exercises = available()
    return render(
        __package__,
        "certificate.html",
        title="Course of ddpm-clip",
        facts=list(_facts(folder, exercises, name, verdict)),
        intro=UNSIGNED,
        columns=COLUMNS,
        exercises=list(_rows_of_exercises(folder, exercises)),
        verdict=verdict,
        digits=_rows_of_pictures(verdict) if verdict else [],
        side=SIDE,
        skipped=[],
    )


def _facts(
    folder: StudentFolder, exercises: list[Exercise], name: str, verdict: AssessmentResult | None
) -> Iterator[tuple[str, str]]:
    own = [folder.progress.of(one.id) for one in exercises]
    done = [one for one in own if one.passed]
    alone = sum(not one.answer_seen for one in done)
    yield "student", name or "not named"
    yield "exercises passed", f"{len(done)} of {len(exercises)}"
    yield "of these, without seeing the answer", f"{alone} of {len(done)}"
    yield "hints used", str(sum(one.hints for one in own))
    if verdict:
        yield from _facts_of(verdict)
    else:
        yield "assessment", "nothing was handed in yet"
    yield "made", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield "versions", f"ddpm-clip {ddpm_clip.__version__}, torch {torch.__version__}"
    yield "machine", platform()


def _facts_of(verdict: AssessmentResult) -> Iterator[tuple[str, str]]:
    card = verdict.submission.card
    yield "assessment", _result(verdict)
    if verdict.readings:
        low, high = verdict.interval
        right, asked = verdict.by_digit[verdict.weakest]
        yield "read right by the judge", f"{verdict.right} of {len(verdict.readings)}"
        yield "95 % interval (Wilson)", f"{low:.2f} to {high:.2f}"
        yield "weakest digit", f"{verdict.weakest}, {right} of {asked}"
        seen = f"{verdict.judge_right} of {verdict.judge_n} held-out pictures"
        yield "the judge itself reads right", seen
    yield "trained on", verdict.data
    yield "with own functions", ", ".join(card.own) or "none; those of the library were used"
    yield "guidance weight and bridge", f"w = {card.w:g}, {card.bridge}"
    yield "random seeds", f"{verdict.seeds[0]} to {verdict.seeds[1]}, which follow from the weights"
    yield "weights", verdict.submission.fingerprint


def _result(verdict: AssessmentResult) -> str:
    if verdict.refusal:
        return f"refused: {verdict.refusal}"
    if verdict.distinction:
        return "passed with distinction"
    return "passed" if verdict.passed else "not passed yet"


def _rows_of_pictures(verdict: AssessmentResult) -> list[tuple[str, list[Shown]]]:
    """Return each digit with its pictures, in the order in which they were asked for."""
    shown = [
        Shown(reading, to_picture(x))
        for reading, x in zip(verdict.readings, verdict.pictures, strict=True)
    ]
    return [
        (f"{digit}: {right} of {asked}", [one for one in shown if one.reading.wanted == digit])
        for digit, (right, asked) in verdict.by_digit.items()
    ]


def _rows_of_exercises(folder: StudentFolder, exercises: list[Exercise]) -> Iterator[list[object]]:
    for one in exercises:
        own = folder.progress.of(one.id)
        yield [
            f"{one.id} {one.name}",
            own.passed[:10] or "not yet",
            own.attempts,
            f"{own.hints} of {len(one.hints)}",
            "yes" if own.answer_seen else "no",
        ]
