"""Plans the steps of a training that was given minutes anew, in all its processes.

The first process reads the clock, the others follow. What is planned is kept in every checkpoint,
in plan.json and, as the number of steps, in the config of the run.
"""

import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.runs.checkpoints import Checkpoint
from ddpm_clip.runs.file_names import PLAN
from ddpm_clip.runs.run import Run
from ddpm_clip.training.process_group import ProcessGroup
from ddpm_clip.training.steps.pace import Pace, Timing
from ddpm_clip.training.steps.state import TrainState


def keep_time(
    run: Run, state: TrainState, checkpoint: Checkpoint | None, group: ProcessGroup, timing: Timing
) -> None:
    """Start the clock of a training that was given minutes; for others, do nothing.

    Args:
        run: the run.
        state: where the training resumes.
        checkpoint: the checkpoint that it resumes from; None for a new run.
        group: the processes that train together.
        timing: the clock.

    Raises:
        UsageError: no time is left for the first step.
    """
    options = run.config.training
    if options.minutes is None:
        return
    saved = None if checkpoint is None else checkpoint.state.get("pace")
    if checkpoint is not None and saved is None:  # it was not planned so far: spent so much time
        spent = sum(_batch_seconds(run))
        saved = {"seconds": 0.0, "spent": spent, "step": state.step, "plans": []}
    state.pace = Pace.of(options.minutes, options.steps, saved)
    own = group.part(options.batch_size)
    state.pace.start(state.step, max(1, own.stop - own.start), timing)
    left = torch.tensor(state.pace.left() if group.is_first else 0.0)
    if not state.step and group.sum(left).item() <= 0:
        raise UsageError(
            f"the {options.minutes:g} minutes are over before the first step",
            f"preparing the pictures took {state.pace.elapsed():,.0f} s",
            "give it more: --minutes; what was embedded is kept",
            param="minutes",
        )
    _set_steps(run, state.pace.total)


def look_at_the_clock(run: Run, state: TrainState, group: ProcessGroup) -> None:
    """After a step: plan the steps that are left anew, if that is due and the clock asks for it."""
    pace = state.pace
    if pace is None or not pace.is_due(state.step):
        return
    found = torch.tensor(pace.look(state.step) if group.is_first else (0, 0))
    total, next_look = group.sum(found).tolist()
    if pace.follow(state.step, total, next_look):
        _set_steps(run, total)


def note_plan(run: Run, state: TrainState) -> None:
    """Write the plans so far to the run, together with a checkpoint; only in the first process."""
    if state.pace is None:
        return
    run.write_json(PLAN, run.read_json(PLAN) | {"now": state.pace.as_dict(state.step)})
    run.settle(run.config)


def _batch_seconds(run: Run) -> list[float]:
    """Return the duration of each step in the history of a run."""
    size = run.config.training.batch_size
    return [size / row["images_per_second"] for row in run.history() if row["images_per_second"]]


def _set_steps(run: Run, steps: int) -> None:
    """Let everything that reads the number of steps read the planned one."""
    training = run.config.training.model_copy(update={"steps": steps, "epochs": None})
    run.config = run.config.model_copy(update={"training": training})
