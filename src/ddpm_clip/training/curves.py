"""Draws what a training measured over time: held-out loss with and without the condition, by noise.

And, where a judge measured it, the success of painted prompts. All of it is read from the run.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ddpm_clip.runs import history
from ddpm_clip.runs.run import Run
from ddpm_clip.utils.plots.curves import Line, Plot, draw_plots

Row = Mapping[str, Any]


def write_heldout_curves(run: Run) -> list[Path]:
    """Write heldout.png from heldout.jsonl and success.jsonl; [] before two measurements."""
    rows, success = run.heldout_history(), history.read(run.folder / history.SUCCESS)
    if len(rows) < 2:
        return []
    parts = [_whole(rows), _by_noise(rows), _gain(rows)]
    parts += [_success(success)] if success else []
    return [draw_plots(parts, run.folder / "heldout.png")]


def _whole(rows: Sequence[Row]) -> Plot:
    steps = [row["step"] for row in rows]
    lines = (
        Line("with condition", steps, [row["loss"] for row in rows]),
        Line("without", steps, [row["loss_without_condition"] for row in rows]),
    )
    return Plot("held-out loss", "step", "loss", lines, yscale="log")


def _by_noise(rows: Sequence[Row]) -> Plot:
    lines = _over_time(rows, lambda one: one["with_condition"])
    return Plot("by noise (sigma/alpha), with condition", "step", "loss", lines, yscale="log")


def _gain(rows: Sequence[Row]) -> Plot:
    """By how much the condition lowers the loss: 0 where the network ignores it."""
    lines = _over_time(
        rows, lambda one: 100 * (1 - one["with_condition"] / one["without_condition"])
    )
    return Plot("what the condition brings, by noise", "step", "% of the loss without", lines)


def _success(rows: Sequence[Row]) -> Plot:
    steps = [row["step"] for row in rows]
    share, low, high = ([100 * row[key] for row in rows] for key in ("share", "low", "high"))
    line = Line(f"judge {rows[-1]['judge']}", steps, share, low, high)
    return Plot("prompts painted as asked", "step", "%", (line,), ylim=(0, 100))


def _over_time(rows: Sequence[Row], value: Any) -> tuple[Line, ...]:
    """Return a line a range of noise."""
    last = rows[-1]["bins"]
    same = [row for row in rows if len(row["bins"]) == len(last)]
    return tuple(
        Line(
            f"{one['sigma_low']:.2g} to {one['sigma_high']:.2g}",
            [row["step"] for row in same],
            [value(row["bins"][i]) for row in same],
        )
        for i, one in enumerate(last)
    )
