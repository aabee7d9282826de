"""Follows a training step by step: shows, draws samples, measures success, reports to trackers."""

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from ddpm_clip.cli import console
from ddpm_clip.cli.interrupt import GracefulShutdown
from ddpm_clip.cli.progress import ProgressBars
from ddpm_clip.errors import NonFiniteError
from ddpm_clip.evaluation.prompts.in_training import SuccessMeter
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import train
from ddpm_clip.training.process_group import ProcessGroup
from ddpm_clip.training.samples import closing_evaluations, prompts_of, write_samples
from ddpm_clip.training.steps.pace import Timing
from ddpm_clip.training.steps.prepared import Prepared
from ddpm_clip.training.steps.size import total_steps
from ddpm_clip.training.trackers import Trackers
from ddpm_clip.types import TrainStep
from ddpm_clip.utils.generators import finish


@dataclass(frozen=True, slots=True)
class View:
    """How a training is run and shown.

    Attributes:
        skip_extraction: refuse to embed anything.
        stop_after: number of steps of this call; None for all.
        as_json: print one JSON line per step on stdout.
        began: reading of `time.perf_counter` when the command began.
    """

    skip_extraction: bool = False
    stop_after: int | None = None
    as_json: bool = False
    began: float | None = None


def follow_steps(
    run: Run,
    prepared: Prepared,
    view: View,
    shutdown: GracefulShutdown,
    bars: ProgressBars,
    group: ProcessGroup,
) -> None:
    """Show each step, paint when that is due, and stop when any process is asked to.

    Raises:
        SystemExit: in all but the first process, if the loss is NaN or infinite.
    """
    evaluations = closing_evaluations(run.config, len(prompts_of(run)))
    timing = Timing(began=view.began, evaluations=evaluations)
    first = saved_step(run)
    trackers = Trackers(run, first, is_first=group.is_first)
    painter = _Painter(run, trackers, first, SuccessMeter.of(run.config))
    steps = train(run, prepared, group=group, timing=timing)
    try:
        with closing(trackers), closing(steps):  # type: ignore[type-var]
            for at, loss in _smoothed(steps):
                total = total_steps(run.config, len(prepared.rows))
                _show(at, loss, bars, view, total)
                trackers.step(at)
                if group.is_first:
                    painter.paint_if_due(at.step, total)
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


def saved_step(run: Run) -> int:
    """Return the step of the newest checkpoint; 0 if there is none."""
    return max(run.checkpoint_steps(), default=0)


@dataclass(slots=True)
class _Painter:
    """Paints with the newest checkpoint: sample grids, and pictures for a judge.

    Attributes:
        last: for each of the two, the step at which it was done last.
    """

    run: Run
    trackers: Trackers
    first: int
    meter: SuccessMeter | None
    last: dict[str, int] = field(default_factory=dict)

    def paint_if_due(self, step: int, total: int) -> None:
        """Do what is due; weights that cannot paint (yet) must not end the training."""
        options = self.run.config.training
        try:
            if self._is_due("samples", options.sample_every, step, total):
                path = write_samples(self.run, step)
                self.trackers.picture("samples", path, step)
            if self.meter and self._is_due("success", options.success_every, step, total):
                row = finish(self.meter.measure(self.run, step))
                shown = {f"success/{key}": row[key] for key in ("share", "low", "high")}
                self.trackers.values(shown, step)
        except NonFiniteError as error:
            console.warn(f"no samples at step {step}: {error.what}")

    def _is_due(self, what: str, every: int, step: int, total: int) -> bool:
        """Return whether to paint: that takes saved weights, so it waits for a checkpoint."""
        last = self.last.get(what, self.first)
        if not every or (step // every == last // every and step != total):
            return False
        if step not in self.run.checkpoint_steps():
            return False
        self.last[what] = step
        return True


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
