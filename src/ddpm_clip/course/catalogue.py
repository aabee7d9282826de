"""The lessons: which there are, how long each takes, and where its script lies."""

from dataclasses import dataclass
from importlib.resources import files

from ddpm_clip.errors import UsageError


@dataclass(frozen=True, slots=True)
class LessonFile:
    """One lesson.

    Attributes:
        id: such as "02" or "05b".
        name: name of its script and notebook, without the ending.
        title: title for lists.
        seconds: expected time in full on two idle cores, in seconds.
    """

    id: str
    name: str
    title: str
    seconds: int

    @property
    def text(self) -> str:
        """The percent script."""
        path = files("ddpm_clip.course") / "lessons" / f"{self.name}.py"
        return path.read_text(encoding="utf-8")

    @property
    def is_written(self) -> bool:
        """Whether the script ships; the exercises of a lesson may come before its text."""
        return (files("ddpm_clip.course") / "lessons" / f"{self.name}.py").is_file()


LESSONS: dict[str, LessonFile] = {
    one.id: one
    for one in (
        LessonFile("00", "00_demo", "Demo: words and digits on a circle", 60),
        LessonFile("01", "01_unets", "U-Nets", 90),
        LessonFile("02", "02_diffusion", "Diffusion", 150),
        LessonFile("03", "03_optimisations", "Optimisations", 190),
        LessonFile("04", "04_guidance", "Guidance", 150),
        LessonFile("05", "05_clip", "CLIP", 170),
        LessonFile("05b", "05b_two_errors", "Two errors nobody saw", 200),
        LessonFile("06", "06_assessment", "Assessment", 120),
        LessonFile("07", "07_explanations", "Explanations", 110),
        LessonFile("08", "08_training", "Training", 150),
        LessonFile("09", "09_memorisation", "Memorisation", 120),
    )
}
"""Id -> lesson, in the order in which they are taken."""


def lesson_file(id: str) -> LessonFile:
    """Return the lesson with this id; "2" is "02", and "5b" is "05b".

    Raises:
        UsageError: there is none.
    """
    padded = id.zfill(3 if id.endswith("b") else 2)
    if padded not in LESSONS:
        choices = ", ".join(LESSONS)
        raise UsageError(f"there is no lesson {id!r}", f"choose from: {choices}", param="what")
    return LESSONS[padded]
