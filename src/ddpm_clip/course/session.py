"""What a lesson calls: `L = lesson("02")`, then pick, show, table, claim, check, hint and quiz.

These return nothing, so that a cell that ends with one shows what it says and no value below it.

Figures are written below `figures/` in the current folder, and shown below the cell in a notebook.
With `COURSE_SMOKE=1` everything has its smallest size, and only claims that need no training are
judged.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from PIL import Image
from torch import Tensor

from ddpm_clip.course.catalogue import LessonFile, lesson_file
from ddpm_clip.course.exercises import QUIZZES
from ddpm_clip.course.exercises import exercise as find
from ddpm_clip.course.grading import Grade, grade
from ddpm_clip.course.showing import in_notebook, show_markdown_table, show_picture
from ddpm_clip.course.student.progress import FILE, Progress
from ddpm_clip.errors import DdpmClipError, UsageError
from ddpm_clip.utils.plots.curves import Plot, draw_plots
from ddpm_clip.utils.storage import write_text
from ddpm_clip.utils.visualization import save_gif, save_png, tensor_grid

SMOKE = "COURSE_SMOKE"
FIGURES = Path("figures")
KINDS = ("exact", "must", "told")

T = TypeVar("T")
Picture = Image.Image | Tensor | Sequence[Image.Image] | Path


class ClaimFailed(DdpmClipError):
    """A claim of a lesson does not hold."""

    code = "E-CLAIM"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of a lesson, with the figures that it rests on.

    Attributes:
        id: such as "2.b".
        text: the claim in one sentence.
        kind: "exact" needs no training and always has to hold; "must" has to hold in full size;
            "told" is shown with its verdict, whatever it is.
        holds: whether it holds; None if it was not judged.
        figures: name -> number or text.
    """

    id: str
    text: str
    kind: str
    holds: bool | None
    figures: Mapping[str, Any]

    def __str__(self) -> str:
        """Return the claim in two lines."""
        told = {True: "holds", False: "does not hold", None: "not judged in this size"}
        figures = ", ".join(f"{name} {_short(value)}" for name, value in self.figures.items())
        return f"claim {self.id} ({self.kind}) {told[self.holds]}: {self.text}\n  {figures}"


class Lesson:
    """An open lesson.

    Args:
        file: which lesson.
        smoke: whether everything has its smallest size.
        out: folder of the figures.
    """

    def __init__(self, file: LessonFile, smoke: bool, out: Path):
        self.file, self.smoke, self.out = file, smoke, out
        self.claims: list[Claim] = []
        self.grades: dict[str, Grade] = {}

    @classmethod
    def open(cls, id: str) -> "Lesson":
        """Open a lesson as the environment says; two threads, in the smoke size one.

        Raises:
            UsageError: there is no such lesson.
        """
        file, smoke = lesson_file(id), os.environ.get(SMOKE) == "1"
        torch.set_num_threads(1 if smoke else 2)
        opened = cls(file, smoke, FIGURES / file.id)
        size = ", smallest size" if smoke else f", about {file.seconds} s on two idle cores"
        print(f"Lesson {file.id}: {file.title}{size}")
        return opened

    def pick(self, full: T, smoke: T) -> T:
        """Return the first value, or in the smoke size the second."""
        return smoke if self.smoke else full

    def path(self, name: str) -> Path:
        """Return the file of a figure, for functions that write one."""
        self.out.mkdir(parents=True, exist_ok=True)
        return self.out / f"{name}.png"

    def show(self, name: str, picture: Picture, columns: int = 10, **options: Any) -> None:
        """Write a figure, and show it in a notebook.

        Args:
            name: name of the file, without an ending.
            picture: a picture, a batch (n, c, h, w) in [-1, 1] for a grid, the frames of an
                animation, or the path of a figure that has been written.
            columns: columns of the grid.
            options: further options of `grid`, such as `row_names`.
        """
        if isinstance(picture, Path):
            path = picture
        elif isinstance(picture, Tensor):
            path = save_png(tensor_grid(picture, columns, **options), self.path(name))
        elif isinstance(picture, Image.Image):
            path = save_png(picture, self.path(name))
        else:
            path = save_gif(list(picture), self.path(name).with_suffix(".gif"))
        if in_notebook():
            show_picture(path)
        else:
            print(f"figure: {path}")

    def plot(self, name: str, *plots: Plot, columns: int = 2) -> None:
        """Draw plots beside each other, and show them."""
        self.show(name, draw_plots(plots, self.path(name), columns=columns))

    def table(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show rows with the same names as a table, which is text where there is no notebook."""
        names = list(rows[0])
        cells = [names] + [[_short(row[name]) for name in names] for row in rows]
        if in_notebook():
            show_markdown_table(cells)
            return
        widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
        for line in cells:
            pairs = zip(line, widths, strict=True)
            print("  ".join(cell.ljust(width) for cell, width in pairs).rstrip())

    def claim(
        self, id: str, text: str, holds: bool, figures: Mapping[str, Any], kind: str = "must"
    ) -> None:
        """State a claim with its figures, print it, and record it in `claims.json`.

        Raises:
            ClaimFailed: an exact claim does not hold, or in full size a claim that must hold.
            UsageError: the kind does not exist.
        """
        if kind not in KINDS:
            raise UsageError(f"unknown kind of claim {kind!r}", f"choose from: {', '.join(KINDS)}")
        judged = kind == "exact" or not self.smoke
        made = Claim(id, text, kind, bool(holds) if judged else None, dict(figures))
        self.claims.append(made)
        self._record()
        print(made)
        if judged and kind != "told" and not holds:
            raise ClaimFailed(
                f"claim {id} does not hold: {text}",
                ", ".join(f"{name} {_short(value)}" for name, value in figures.items()),
                "run the lesson again on an idle machine; if it fails again, it is worth a report",
            )

    def check(self, id: str, answer: Any) -> None:
        """Judge an answer and say what was found, which is kept in `grades`; never raises.

        In a student's folder the attempt is noted in `progress.json`.
        """
        found = grade(find(id), answer)
        self.grades[id] = found
        print(found)
        if Path(FILE).is_file() and not self.smoke:
            Progress.load(Path()).record(found)

    def own(self, id: str, answer: Callable[..., Any]) -> Callable[..., Any]:
        """Return a student's function if it has passed its check, else the library's."""
        if id in self.passed:
            return answer
        print(f"{id}: the library's function is used until yours passes")
        return find(id).truth

    @property
    def passed(self) -> tuple[str, ...]:
        """The exercises that have passed their check in this run."""
        return tuple(id for id, grade in self.grades.items() if grade.passed)

    def hint(self, id: str, number: int = 1) -> None:
        """Print one of the hints of an exercise, by default the first."""
        hints = find(id).hints
        print(f"hint {number} of {len(hints)}: {hints[number - 1]}")

    def quiz(self, id: str, letter: str = "") -> None:
        """Print a question, or what there is to say about an answer."""
        asked = QUIZZES[id]
        if not letter:
            print(f"{asked.question}")
            print("\n".join(f"  {key}) {text}" for key, text in asked.options.items()))
            return
        found = asked.answered(letter)
        print(f"{'right' if found.passed else 'not quite'}: {found.hint or found.expected}")

    def _record(self) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        claims = [
            {"id": c.id, "text": c.text, "kind": c.kind, "holds": c.holds, "figures": c.figures}
            for c in self.claims
        ]
        facts = {"lesson": self.file.id, "smoke": self.smoke, "claims": claims}
        text = json.dumps(facts, indent=1, default=_plain) + "\n"
        write_text(self.out / "claims.json", text)


def _short(value: Any) -> str:
    if isinstance(value, Tensor):
        value = value.tolist()
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value)


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
