"""Shows a training and reports how it ended: finished, stopped or interrupted.

If several processes train, the first one prepares the data and paints samples while the others
wait.
"""

import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ddpm_clip.cli import console
from ddpm_clip.cli.interrupt import GracefulShutdown, Interrupted
from ddpm_clip.cli.progress import ProgressBars, follow
from ddpm_clip.data.pictures.pixels import BadFile
from ddpm_clip.errors import MissingInput, NonFiniteError
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import train
from ddpm_clip.training.prepare.csv_import import IMPORTED
from ddpm_clip.training.prepare.embedding import CACHE
from ddpm_clip.training.prepare.pictures import KEPT
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.training.prepare.sharded_embedding import PARTS
from ddpm_clip.training.process_group import ALONE, ProcessGroup
from ddpm_clip.training.samples import write_outcome, write_samples
from ddpm_clip.training.steps.prepared import Prepared
from ddpm_clip.training.steps.size import total_steps
from ddpm_clip.types import TrainStep

ECHO = 10.0
"""Seconds in which a launcher may pass on a signal that its processes have already received."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class View:
    """How a training is run and shown.

    Attributes:
        skip_extraction: refuse to embed anything.
        stop_after: number of steps of this call; None for all.
        as_json: print one JSON line per step on stdout.
    """

    skip_extraction: bool = False
    stop_after: int | None = None
    as_json: bool = False


def run_training(run: Run, view: View, group: ProcessGroup = ALONE) -> None:
    """Prepare, train, sample; the result on stdout is the run folder or JSON lines.

    Args:
        run: a run that the first process of the group holds.
        view: how it is run and shown.
        group: the processes that train together.

    Raises:
        Interrupted: Ctrl-C or SIGTERM was received; everything is saved.
    """
    by_the_first(group, "tidy run", run.tidy)
    if _is_finished(run):
        console.say(f"{run.folder} is already finished at step {_saved(run):,}.{_next(run)}")
        return _conclude(run, view, [])
    console.say(f"Training {run.folder} in {group}.")
    with GracefulShutdown(echo=0.0 if group is ALONE else ECHO) as shutdown:
        prepared = _prepared(run, view, shutdown, group)
        total = total_steps(run.config, len(prepared.rows))
        with ProgressBars() as bars:
            _follow_steps(run, prepared, view, shutdown, bars, total, group)
    group.close()
    if _saved(run) < total:
        return _stopped(run, view, shutdown, total)
    if not group.is_first:
        return None
    files = write_outcome(run, prepared, animation=run.config.training.animation)
    console.say(f"Finished {total:,} steps in {run.folder}.{_next(run)}")
    return _conclude(run, view, files)


def by_the_first(group: ProcessGroup, what: str, work: Callable[[], Result]) -> Result | None:
    """Do `work` in the first process while the others wait, however long; None in the others.

    Raises:
        SystemExit: in the others, with the exit code of the first, which has printed why.
    """
    if group.is_first:
        with group.leading(what):
            return work()
    if code := group.wait(what):
        raise SystemExit(code)
    return None


def _prepared(run: Run, view: View, shutdown: GracefulShutdown, group: ProcessGroup) -> Prepared:
    """Return the data, prepared by the first process and then opened by the others."""

    def first() -> Prepared:
        with ProgressBars() as bars:
            return follow(prepare(run, skip_extraction=view.skip_extraction), bars, shutdown)

    prepared = by_the_first(group, "prepared data", first)
    if prepared is None:  # no shutdown here: the others stop together with the first, after a step
        with ProgressBars() as bars:
            return follow(prepare(run, skip_extraction=True, writes=False), bars)
    _report_bad(run, prepared.bad)
    return prepared


def carry_embeddings(cache: Path, run: Run) -> None:
    """Copy the embeddings that `ddpm-clip embed` wrote, a folder or a CSV file, into the run.

    Embeddings that the run already has are kept; whether they match is checked when they are used.

    Raises:
        MissingInput: there are no embeddings there.
    """
    if cache.suffix.lower() == ".csv":
        if not cache.is_file():
            raise MissingInput(f"no CSV at {cache}", fix=f"ddpm-clip embed SOURCE --out {cache}")
        shutil.copyfile(cache, run.folder / IMPORTED)
        return
    found = [folder for folder in sorted(cache.glob(f"{CACHE}*")) if folder.is_dir()]
    if not found:
        why, last = f"it has no folder {CACHE}", ""
        if (cache / PARTS).is_dir():
            why, last = "it holds shards that are not merged yet", " --merge"
        raise MissingInput(
            f"no embeddings in {cache}", why, f"ddpm-clip embed SOURCE --out {cache}{last}"
        )
    for folder in found:
        if not (run.folder / folder.name).exists():
            shutil.copytree(folder, run.folder / folder.name)


def is_worth_keeping(run: Run, embeds: bool) -> bool:
    """Return whether a failed new run holds expensive results; warn that it is kept, if so.

    Args:
        run: a run that was just created.
        embeds: False if its embeddings are only copies.
    """
    if run.checkpoint_steps():
        return True
    names = (KEPT, f"{CACHE}*") if embeds else (KEPT,)
    if not any(any(run.folder.glob(f"{name}/shard-*")) for name in names):
        return False
    console.warn(
        f"{run.folder} is kept, with the pictures or embeddings that it already has; "
        "--overwrite starts over and reuses its embeddings"
    )
    return True


def _follow_steps(
    run: Run,
    prepared: Prepared,
    view: View,
    shutdown: GracefulShutdown,
    bars: ProgressBars,
    total: int,
    group: ProcessGroup,
) -> None:
    """Show each step, draw samples when they are due, and stop when any process is asked to.

    Raises:
        SystemExit: in all but the first process, if the loss is NaN or infinite.
    """
    steps = train(run, prepared, group=group)
    first = drawn = _saved(run)
    try:
        with closing(steps):  # type: ignore[type-var]
            for at, loss in _smoothed(steps):
                _show(at, loss, bars, view, total)
                if group.is_first and _samples_are_due(run, drawn, at.step, total):
                    drawn = at.step
                    _draw(run, at.step)
                if at.step % run.config.training.checkpoint_every == 0 or at.step == total:
                    group.meet()  # drawing takes long, and the collective that follows times out
                asked = group.agreed(shutdown.asked)  # read once: a signal may come at any moment
                if asked or at.step - first == view.stop_after:
                    shutdown.asked = asked or shutdown.asked
                    return
    except NonFiniteError as error:
        if group.is_first:
            raise
        raise SystemExit(error.exit_code) from error  # the first process prints the error


def _draw(run: Run, step: int) -> None:
    """Draw the sample grid; weights that cannot paint (yet) must not end the training."""
    try:
        write_samples(run, step)
    except NonFiniteError as error:
        console.warn(f"no samples at step {step}: {error.what}")


def _show(at: TrainStep, loss: float, bars: ProgressBars, view: View, total: int) -> None:
    """Show a step in the progress bar and, with `--json`, as a line of JSON."""
    speed = f"{at.images_per_second:,.0f} images/s"
    bars.update("train", at.step, total, f"loss {loss:.4f}  {speed}")
    if view.as_json:
        console.result_json({"event": "step", **at.as_row()})


def _smoothed(steps: Iterator[TrainStep]) -> Iterator[tuple[TrainStep, float]]:
    """Yield each step with a running mean of the noisy loss."""
    mean = None
    for at in steps:
        if math.isfinite(at.loss):  # NaN for a skipped step
            mean = at.loss if mean is None else 0.95 * mean + 0.05 * at.loss
        yield at, math.nan if mean is None else mean


def _samples_are_due(run: Run, drawn: int, step: int, total: int) -> bool:
    """Return whether to draw: samples use saved weights, so they wait for the next checkpoint."""
    every = run.config.training.sample_every
    if not every or (step // every == drawn // every and step != total):
        return False
    return step in run.checkpoint_steps()


def _is_finished(run: Run) -> bool:
    """Return whether nothing is left to do; with `epochs` unknown until the data are read."""
    done = run.config.training.epochs is None and _saved(run) >= run.config.training.steps
    return done and bool(run.checkpoint_steps()) and (run.folder / "loss.png").is_file()


def _saved(run: Run) -> int:
    return max(run.checkpoint_steps(), default=0)


def _report_bad(run: Run, bad: Sequence[BadFile]) -> None:
    """Report the files that were left out; the run has the whole list."""
    if not bad:
        return
    named = ", ".join(f"{file.key} ({file.reason})" for file in bad[:5])
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    console.warn(
        f"left out {len(bad)} unusable pictures: {named}{more}; see {run.folder / 'bad_files.json'}"
    )


def _stopped(run: Run, view: View, shutdown: GracefulShutdown, total: int) -> None:
    """Report a stop: at which step, what is saved, how to continue."""
    step = _saved(run)
    where = (
        f"step {step:,}. Saved {run.checkpoint_path(step)}. Continue: ddpm-clip resume {run.folder}"
    )
    _conclude(run, view, [])
    if shutdown.asked:
        raise Interrupted(shutdown.asked, f"Interrupted at {where}")
    console.say(f"Stopped at {where}")


def _conclude(run: Run, view: View, files: Sequence[Path]) -> None:
    """Print the result on stdout."""
    if not view.as_json:
        return console.result(str(run.folder))
    console.result_json(
        {
            "event": "end",
            "run": str(run.folder.resolve()),
            "step": _saved(run),
            "files": [str(path.resolve()) for path in files],
        }
    )


def _next(run: Run) -> str:
    return f'\nPaint: ddpm-clip generate "your words" --model {run.folder}'
