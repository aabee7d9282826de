"""What a run folder tells of its training: loss, sample grids, how far it is, when it will end.

Only files that a training writes anyway are read, so a run that was started in a terminal can be
followed as well. A line that is being written is read the next time.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ddpm_clip.runs.file_names import CONFIG, HELDOUT, PLAN, SAMPLES, STEPS
from ddpm_clip.utils.storage import read_lines
from ddpm_clip.utils.untrusted import read_object

SAMPLE = re.compile(r"step-(\d{6,9})\.png")
RECENT = 50
"""Steps whose pace tells the time that is left."""

LONGEST = 400
"""Most points of a loss curve that are sent at once."""

END = 64 * 2**10
"""Bytes at the end of a history that hold its newest steps."""

FACTS = ("step", "of", "loss", "heldout", "images_per_second", "eta")

MOST_READ = 8 * 2**20
"""Most bytes of the history that are read at once."""

Row = Mapping[str, Any]


class LossRows:
    """The loss of each step, read from the history as it grows.

    Args:
        folder: The run folder, which need not exist yet.
        only_the_end: Begin near the end of a long history.
    """

    def __init__(self, folder: Path, *, only_the_end: bool = False):
        self._path, self._at, self._rest = folder / STEPS, 0, b""
        if only_the_end and self._path.is_file():
            self._at = max(0, self._path.stat().st_size - END)

    def read(self) -> list[Row]:
        """Return the rows that came since the last call; all of them after a resume cut some."""
        rows: list[Row] = []
        try:
            with open(self._path, "rb") as file:
                if file.seek(0, 2) < self._at:
                    self._at, self._rest = 0, b""
                file.seek(self._at)
                while part := file.read(MOST_READ):
                    self._at += len(part)
                    rows += self._rows(part)
        except FileNotFoundError:
            self._at, self._rest = 0, b""
        return rows

    def _rows(self, part: bytes) -> Iterator[Row]:
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and isinstance(row.get("step"), int):
                yield row


def step_facts(rows: Sequence[Row], of: int | None) -> dict[str, Any]:
    """Return how far a training is after some new rows: step, mean loss, pace and seconds left."""
    losses = [row["loss"] for row in rows if _is_number(row.get("loss"))]
    heldout = [row["heldout_loss"] for row in rows if _is_number(row.get("heldout_loss"))]
    last, recent = rows[-1], rows[-RECENT:]
    paces = [row["images_per_second"] for row in recent if _is_number(row.get("images_per_second"))]
    each = _seconds_a_step(recent)
    left = None if of is None or each is None else max(0, of - last["step"]) * each
    return {
        "step": last["step"],
        "of": of,
        "loss": sum(losses) / len(losses) if losses else None,
        "heldout": heldout[-1] if heldout else None,
        "images_per_second": sum(paces) / len(paces) if paces else None,
        "eta": left,
    }


def _seconds_a_step(rows: Sequence[Row]) -> float | None:
    """Return the mean duration of steps; `seconds` of a row counts from when its process began."""
    timed = [row for row in rows if _is_number(row.get("seconds"))]
    pairs = [
        (later["step"] - row["step"], later["seconds"] - row["seconds"])
        for row, later in pairwise(timed)
        if later["step"] > row["step"] and later["seconds"] > row["seconds"]  # not resumed between
    ]
    return sum(time for _, time in pairs) / sum(n for n, _ in pairs) if pairs else None


def newest_facts(folder: Path, of: int | None) -> dict[str, Any]:
    """Return how far a run is by the end of its history: `step_facts`, or None for each."""
    rows = LossRows(folder, only_the_end=True).read()
    facts = step_facts(rows[-RECENT:], of) if rows else dict.fromkeys(FACTS)
    measured = [row for row in read_lines(folder / HELDOUT) if _is_number(row.get("loss"))]
    return facts | ({"heldout": measured[-1]["loss"]} if measured else {})


def curve(rows: Sequence[Row]) -> list[dict[str, float]]:
    """Return the loss as points with `step`, `loss` and perhaps `heldout`, at most `LONGEST`.

    Of many steps, each point is the mean of some that follow each other.
    """
    known = [row for row in rows if _is_number(row.get("loss"))]
    size = max(1, math.ceil(len(known) / LONGEST))
    groups = [known[i : i + size] for i in range(0, len(known), size)]
    return [_point(group) for group in groups]


def _point(rows: Sequence[Row]) -> dict[str, float]:
    heldout = [row["heldout_loss"] for row in rows if _is_number(row.get("heldout_loss"))]
    loss = sum(row["loss"] for row in rows) / len(rows)
    return {"step": rows[-1]["step"], "loss": loss} | ({"heldout": heldout[-1]} if heldout else {})


def sample_steps(folder: Path) -> list[int]:
    """Return the steps of which there is a sample grid, ascending."""
    try:
        names = [path.name for path in (folder / SAMPLES).iterdir()]
    except OSError:
        return []
    return sorted(int(found[1]) for name in names if (found := SAMPLE.fullmatch(name)))


def sample_path(folder: Path, step: int) -> Path:
    """Return the file of a sample grid."""
    return folder / SAMPLES / f"step-{step:06d}.png"


def total_steps(folder: Path) -> int | None:
    """Return how many steps the training of a run has; None if that is not known (yet)."""
    from ddpm_clip.config.resolve import read_yaml
    from ddpm_clip.errors import DdpmClipError

    try:
        options = read_yaml(folder / CONFIG).get("training", {})
        return None if options.get("epochs") is not None else int(options["steps"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, DdpmClipError):
        return None


def plan_of(folder: Path) -> dict[str, Any] | None:
    """Return what was planned for a training that was given minutes, and why."""
    try:
        return read_object(folder / PLAN)
    except (OSError, ValueError):
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
