"""A few-call model that is made within a second: distilled from the run of `tiny_run`."""

from pathlib import Path

from tiny_run import tiny_run

from ddpm_clip.training.distillation import distill
from ddpm_clip.utils.generators import finish

SMALL = (
    "distillation.walks=10",
    "distillation.walk_steps=6",
    "training.steps=6",
    "training.batch_size=4",
    "training.checkpoint_every=2",
    "training.lr=0.01",
)
"""A distillation that takes a moment."""


def tiny_student(folder: Path, calls: int = 2) -> Path:
    """Make the student in `folder/student`, its teacher in `folder/teacher`; return the former."""
    teacher = tiny_run(folder / "teacher").folder
    finish(distill(teacher, folder / "student", calls=calls, assignments=SMALL))
    return folder / "student"
