"""`distill`: makes a model that paints in one, two or four network calls."""

import shlex
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.interrupt import GracefulShutdown, Interrupted, continue_hint
from ddpm_clip.cli.options import AsJson, Assignments, Overwrite, StopAfter
from ddpm_clip.cli.progress import ProgressBars
from ddpm_clip.errors import UsageError

if TYPE_CHECKING:
    from ddpm_clip.runs.run import Run
    from ddpm_clip.training.distillation.loop import Work


def distill(
    model: Annotated[
        str, typer.Argument(help="A shipped model, a run or a packed model.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder of the new model, a run.", show_default=False)],
    calls: Annotated[int, typer.Option(help="Network calls a picture: 1, 2 or 4.")] = 1,
    minutes: Annotated[
        float | None,
        typer.Option(help="How long it may take here; by default as many steps as configured."),
    ] = None,
    set_: Assignments = None,
    overwrite: Overwrite = False,
    stop_after: StopAfter = None,
    as_json: AsJson = False,
) -> None:
    """Make a model that paints in one, two or four network calls instead of forty.

    ddpm-clip distill digits --out runs/fast-digits --minutes 10
    ddpm-clip distill runs/photos --calls 2 --out runs/fast-photos

    ddpm-clip generate "a six" --model runs/fast-digits --guidance 3

    A copy of the network learns where the walks of MODEL lead. The guidance scale is an input of
    the new network; prompts, pictures and bridges work as before. Edits that need many steps
    (img2img, inpaint) do not. If it is interrupted, the same command or `ddpm-clip resume` goes on.
    Prints the run folder, or with --json one line per step.
    """
    from ddpm_clip.training.distillation import distill as work

    follow_distillation(
        work(model, out, calls=calls, minutes=minutes, assignments=set_ or (), overwrite=overwrite),
        out,
        stop_after,
        as_json,
    )


def follow_distillation(
    work: "Work", folder: Path, stop_after: int | None = None, as_json: bool = False
) -> None:
    """Show a distillation to its end, or until it is asked to stop.

    Raises:
        Interrupted: Ctrl-C or SIGTERM was received; what was done is saved.
    """
    again = f"Continue: ddpm-clip resume {shlex.quote(str(folder))}"
    with (
        continue_hint(again),
        GracefulShutdown() as shutdown,
        ProgressBars() as bars,
        closing(work),
    ):
        run = _followed(work, bars, shutdown, stop_after, as_json)
    if shutdown.asked:
        raise Interrupted(shutdown.asked, f"Interrupted. What was done is saved. {again}")
    if run is None:
        console.say(f"Stopped after {stop_after} steps. {again}")
    else:
        _write_sheet(run)
        console.say(f'Paint: ddpm-clip generate "your words" --model {folder}')
    if as_json:
        end = {"event": "end", "run": str(folder.resolve()), "finished": run is not None}
        return console.result_json(end)
    console.result(str(folder))


def continue_distilled(
    folder: Path, changes: Mapping[str, object], stop_after: int | None, as_json: bool
) -> bool:
    """Go on with a distillation; False if the folder holds a training instead.

    Args:
        folder: folder of a run.
        changes: options that would change a training, by name; a distillation takes none.
        stop_after: stop after so many steps.
        as_json: print one JSON line per step.

    Raises:
        UsageError: an option would change it.
    """
    from ddpm_clip.runs.run import Run

    if not (folder / "config.yaml").is_file() or not Run.open(folder).config.distillation.calls:
        return False
    for name in (name for name, value in changes.items() if value):
        raise UsageError(
            f"{name} cannot be changed when a distillation goes on",
            "how many walks and steps it takes was planned when it began",
            "leave it out, or begin again: ddpm-clip distill MODEL --overwrite",
            param=name.lstrip("-"),
        )
    from ddpm_clip.training.distillation import continue_distillation

    follow_distillation(continue_distillation(folder), folder, stop_after, as_json)
    return True


def _write_sheet(run: "Run") -> None:
    """Write a grid of prompts by guidance scales and the curve of the loss, as a training does."""
    from ddpm_clip.training.samples import write_curve, write_samples

    if not (run.folder / "loss.png").is_file():
        write_samples(run, max(run.checkpoint_steps()))
        write_curve(run)


def _followed(
    work: "Work",
    bars: ProgressBars,
    shutdown: GracefulShutdown,
    stop_after: int | None,
    as_json: bool,
) -> "Run | None":
    """Return the run once it is finished; None if it was stopped before."""
    from ddpm_clip.types import Progress

    taken, total = 0, 0
    while not shutdown.asked and taken != stop_after:
        try:
            at = next(work)
        except StopIteration as end:
            finished: Run = end.value
            return finished
        if isinstance(at, Progress):
            bars.update(at.stage, at.done, at.total, at.note)
            total = at.total
            continue
        taken += 1
        bars.update("train", at.step, total, f"loss {at.loss:.4f}")
        if as_json:
            console.result_json({"event": "step", **at.as_row()})
    return None
