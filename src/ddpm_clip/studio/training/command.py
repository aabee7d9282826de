"""The command line of a training: the same that would be typed in a shell."""

import os
import re
import shlex
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import takewhile
from pathlib import Path

from ddpm_clip.config.limits import checked_minutes, plain
from ddpm_clip.config.resolve import preset_names
from ddpm_clip.errors import UsageError
from ddpm_clip.registry import unknown_name

OFTEN = {"checkpoint_every": 100, "sample_every": 250}
"""Steps between checkpoints, which bring the loss, and between sample grids: somebody looks on."""

MOST_STEPS = 10_000_000

SLUG = 32
"""Most characters of a folder's name that are taken from the name of a training."""


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What to train on, and for how long.

    Attributes:
        source: The pictures: a folder, a zip, or a named source.
        minutes: Length in minutes; exclusive with `steps`.
        steps: Length in optimisation steps; with neither, the preset decides.
        preset: Name of a preset, or None.

    Raises:
        UsageError: A value is out of range, or both lengths are given.
    """

    source: str
    minutes: float | None = None
    steps: int | None = None
    preset: str | None = None

    def __post_init__(self) -> None:
        if self.minutes is not None and self.steps is not None:
            raise UsageError(
                "minutes and steps are both given",
                "the steps of a training that is given minutes are planned from them",
                "give only one of them",
                param="minutes",
            )
        if self.minutes is not None:
            checked_minutes(self.minutes)
        if self.steps is not None:
            _check_steps(self.steps)
        if self.preset is not None and self.preset not in preset_names():
            names = dict.fromkeys(preset_names())
            error = unknown_name("preset", self.preset, names)
            error.param = "preset"
            raise error

    def words(self, out: Path) -> list[str]:
        """Return the arguments of `ddpm-clip`, with a run folder to train in."""
        words = ["train", self.source, "--out", str(out)]
        for option in ("preset", "minutes", "steps"):
            value = getattr(self, option)
            words += [] if value is None else [f"--{option}", f"{value}"]
        for key, steps in OFTEN.items():
            words += ["--set", f"training.{key}={steps}"]
        return words


def about_presets() -> list[dict[str, str]]:
    """Return the presets that can be chosen, each with the first lines of its file."""
    folder = resources.files("ddpm_clip") / "presets"
    return [
        {"name": name, "description": _comment((folder / f"{name}.yaml").read_text("utf-8"))}
        for name in preset_names()
    ]


def resuming(out: Path, minutes: float | None = None, steps: int | None = None) -> list[str]:
    """Return the arguments of `ddpm-clip` that continue a run, perhaps for longer.

    Raises:
        UsageError: A value is out of range, or both are given.
    """
    TrainingOptions("", minutes, steps)  # the same checks
    more = {"--minutes": minutes, "--steps": steps}
    given = [word for name, value in more.items() if value is not None for word in (name, value)]
    return ["resume", str(out), *map(str, given)]


def executed(words: Sequence[str]) -> list[str]:
    """Return the command that runs `ddpm-clip` with these arguments in this installation."""
    return [sys.executable, "-m", "ddpm_clip", *words]


def shown(words: Sequence[str]) -> str:
    """Return the command as one would type it here, without the folders above this one."""
    return shlex.join(["ddpm-clip", *map(_relative, words)])


def slug(name: str) -> str:
    """Return a folder's name for a training: plain letters, digits and hyphens of its own name.

    >>> slug("Grüne  Äpfel / 2"), slug("../..")
    ('grune-apfel-2', 'training')
    """
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", letters).strip("-")[:SLUG].strip("-") or "training"


def _comment(text: str) -> str:
    """Return the comment that a file begins with, in one line."""
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return " ".join(line.lstrip("# ") for line in lines)


def _relative(word: str) -> str:
    return os.path.relpath(word) if os.path.isabs(word) else word


def _check_steps(steps: int) -> None:
    whole = isinstance(plain(steps), int) and not isinstance(steps, bool)
    if not whole or not 1 <= steps <= MOST_STEPS:
        raise UsageError(
            f"steps = {steps} is out of range",
            "it is the number of optimisation steps",
            f"choose a whole number from 1 to {MOST_STEPS:,}",
            param="steps",
        )
