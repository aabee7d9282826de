"""The progress of a student as one page: what was passed, and with how much help.

It was made on the student's machine and nothing signs it; the page says so.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from platform import platform

import torch

import ddpm_clip
from ddpm_clip.course.catalogue import LESSONS
from ddpm_clip.course.student.folder import StudentFolder, available
from ddpm_clip.reports.page import render

FILE = "certificate.html"
UNSIGNED = "This page was checked on the student's machine and is unsigned."


@dataclass(frozen=True, slots=True)
class Row:
    """One exercise on the page."""

    id: str
    lesson: str
    question: str
    passed: str
    attempts: int
    hints: str
    answer_seen: bool


def rows(folder: StudentFolder) -> list[Row]:
    """Return one row for each exercise of the lessons that ship."""
    found = []
    for asked in available():
        own = folder.progress.of(asked.id)
        found.append(
            Row(
                asked.id,
                LESSONS[asked.lesson].title,
                asked.question,
                own.passed[:10],
                own.attempts,
                f"{own.hints} of {len(asked.hints)}",
                own.answer_seen,
            )
        )
    return found


def certificate(folder: StudentFolder, name: str = "") -> str:
    """Return the page; `name` is the student's name, or "" for none."""
    table = rows(folder)
    done = [row for row in table if row.passed]
    alone = [row for row in done if not row.answer_seen]
    facts = [
        ("student", name or "not named"),
        ("exercises passed", f"{len(done)} of {len(table)}"),
        ("without seeing the answer", f"{len(alone)} of {len(done)}"),
        ("made", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("versions", f"ddpm-clip {ddpm_clip.__version__}, torch {torch.__version__}"),
        ("machine", platform()),
    ]
    title = "Course of ddpm-clip"
    return render(
        __package__,
        "certificate.html",
        title=title,
        facts=facts,
        intro=UNSIGNED,
        rows=table,
        skipped=[],
    )
