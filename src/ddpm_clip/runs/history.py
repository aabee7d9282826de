"""What a training left behind step by step: JSON lines, appended to and cut back on a resume."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ddpm_clip.errors import StorageError
from ddpm_clip.runs.file_names import HELDOUT, STEPS, SUCCESS
from ddpm_clip.types import NoiseBin, TrainStep
from ddpm_clip.utils import storage


def append(folder: Path, steps: Iterable[TrainStep]) -> None:
    """Append steps to the history, with null instead of NaN, and their held-out losses by noise.

    Raises:
        StorageError: The disk is full or cannot be written; the step's line was not added.
    """
    done = list(steps)
    append_rows(folder / HELDOUT, [_measured(one) for one in done if one.noise_bins])
    append_rows(folder / STEPS, [one.as_row() for one in done])


def append_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Append JSON objects to a file, one per line.

    Raises:
        StorageError: The disk is full or cannot be written; no line was added.
    """
    if not rows:
        return
    try:
        storage.append_lines(path, rows)
    except OSError as error:
        fix = "free some space, or make the folder writable"
        raise StorageError(f"cannot write {path}", str(error), fix) from error


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file, without an incomplete last line from a crash."""
    return [row for row in storage.read_lines(path) if "step" in row]


def cut(folder: Path, step: int) -> None:
    """Remove what was written after `step`, because those steps will be repeated."""
    for name in (STEPS, HELDOUT, SUCCESS):
        if name == STEPS or (folder / name).is_file():
            rows = [row for row in read(folder / name) if row["step"] <= step]
            text = "".join(json.dumps(row) + "\n" for row in rows)
            storage.write_text(folder / name, text)


def without_condition(bins: Iterable[NoiseBin | Mapping[str, Any]]) -> float:
    """Return the held-out loss without the condition over all ranges of noise."""
    rows = [asdict(one) if isinstance(one, NoiseBin) else one for one in bins]
    n = sum(row["n"] for row in rows)
    return float(sum(row["n"] * row["without_condition"] for row in rows) / n)


def _measured(step: TrainStep) -> dict[str, Any]:
    return {
        "step": step.step,
        "loss": step.heldout_loss,
        "loss_without_condition": without_condition(step.noise_bins),
        "bins": [asdict(one) for one in step.noise_bins],
    }
