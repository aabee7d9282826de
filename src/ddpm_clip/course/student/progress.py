"""What a student has tried, passed and looked at: one JSON file in the student's folder.

Nothing of it is secret or signed. It is there so that a student sees what is left, and so that the
certificate can say with how much help it was earned.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ddpm_clip.course.grading import Grade
from ddpm_clip.errors import DataError, MissingInput
from ddpm_clip.utils.storage import write_text

FILE = "progress.json"


@dataclass(frozen=True, slots=True)
class ExerciseProgress:
    """One exercise of one student.

    Attributes:
        attempts: answers that were judged and were not stubs, up to the first that passed.
        passed: when an answer passed first (ISO 8601, UTC), or "".
        hints: how many hints were shown before it passed.
        answer_seen: whether the reference answer was shown before it passed.
    """

    attempts: int = 0
    passed: str = ""
    hints: int = 0
    answer_seen: bool = False


@dataclass(slots=True)
class Progress:
    """The progress of one student; every change is written at once."""

    path: Path
    exercises: dict[str, ExerciseProgress] = field(default_factory=dict)

    @classmethod
    def start(cls, folder: Path) -> "Progress":
        """Return the progress in a folder, new if there is none yet."""
        if not (folder / FILE).is_file():
            made = cls(folder / FILE)
            made._save()
            return made
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> "Progress":
        """Return the progress in a folder.

        Raises:
            MissingInput: there is none.
            DataError: the file is damaged.
        """
        path = folder / FILE
        if not path.is_file():
            raise MissingInput(
                f"no course in {folder}",
                f"{FILE} is missing",
                "ddpm-clip course start, or name the folder: --dir FOLDER",
                param="dir",
            )
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))["exercises"]
            return cls(path, {str(id): ExerciseProgress(**one) for id, one in facts.items()})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{path} is damaged", str(error)[:200], "delete it and start again"
            ) from error

    def of(self, id: str) -> ExerciseProgress:
        """Return the progress of one exercise."""
        return self.exercises.get(id, ExerciseProgress())

    def record(self, found: Grade) -> None:
        """Note a grade; a stub is no attempt, and what has passed stays passed."""
        if not found.written or self.of(found.exercise).passed:
            return
        now = datetime.now(UTC).isoformat(timespec="seconds") if found.passed else ""
        self._change(
            found.exercise, lambda one: replace(one, attempts=one.attempts + 1, passed=now)
        )

    def hint_shown(self, id: str, number: int) -> None:
        """Note that the first `number` hints have been shown."""
        if not self.of(id).passed:
            self._change(id, lambda one: replace(one, hints=max(one.hints, number)))

    def answer_shown(self, id: str) -> None:
        """Note that the reference answer has been shown."""
        if not self.of(id).passed:
            self._change(id, lambda one: replace(one, answer_seen=True))

    def _change(self, id: str, change: Callable[[ExerciseProgress], ExerciseProgress]) -> None:
        self.exercises[id] = change(self.of(id))
        self._save()

    def _save(self) -> None:
        exercises = {id: asdict(one) for id, one in self.exercises.items()}
        write_text(self.path, json.dumps({"format": 1, "exercises": exercises}, indent=1) + "\n")
