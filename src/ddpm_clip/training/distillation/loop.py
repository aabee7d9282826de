"""The job of a distillation: record the teacher's walks, then train the student on them.

A generator, as training is: it yields `Progress` while walks are recorded and a `TrainStep` per
step, and saves if it is closed early. Every draw is a function of (seed, shard) or (seed, step), so
that a stopped or killed distillation goes on bit-exactly.
"""

import math
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ddpm_clip.build import bridge_options, build_ddpm, build_embedder, usable_device
from ddpm_clip.conditioning.files import load_conditioner
from ddpm_clip.config.limits import within
from ddpm_clip.config.schema import Config
from ddpm_clip.data.batch_order import batch_indices
from ddpm_clip.data.storage.atomic import hold
from ddpm_clip.errors import DdpmClipWarning, MissingInput, StorageError
from ddpm_clip.runs.pretrained import LoadedModel, load
from ddpm_clip.runs.run import Run
from ddpm_clip.training.distillation import start
from ddpm_clip.training.distillation.conditions import Asking
from ddpm_clip.training.distillation.features import Comparison, clip_features
from ddpm_clip.training.distillation.methods import METHODS, Lesson
from ddpm_clip.training.distillation.plan import planned
from ddpm_clip.training.distillation.walks import SHARD, Walks, record, taken
from ddpm_clip.training.steps.size import step_seed
from ddpm_clip.training.steps.stability import BadStep
from ddpm_clip.training.steps.state import GROUPS, TrainState, learning_rate
from ddpm_clip.training.steps.surroundings import report_changes, surroundings
from ddpm_clip.types import Progress, TrainStep
from ddpm_clip.utils.cpu_threads import config_threads
from ddpm_clip.utils.device import pick_dtype

Work = Generator[Progress | TrainStep, None, Run]


def distill(
    model: str | Path,
    out: str | Path,
    *,
    calls: int = 1,
    minutes: float | None = None,
    assignments: Sequence[str] = (),
    overwrite: bool = False,
) -> Work:
    """Distil a model to a few network calls a picture; goes on where it was stopped.

    The student is told the guidance scale, takes the same conditions, and starts as the teacher.

    Args:
        model: a shipped name, a run or a packed model; the teacher.
        out: folder of the student, a run.
        calls: network calls a picture: 1, 2 or 4.
        minutes: how long it may take on this machine; None takes the config's walks and steps.
        assignments: `key=value` texts that change the config, such as `distillation.features=clip`.
        overwrite: start from scratch, even if the folder holds something.

    Returns:
        The student's run, through `yield from`.

    Raises:
        UsageError: a value is out of range, or this model cannot be distilled.
        MissingInput: there is no such model.
        CannotCreate: the folder holds something else.
        Busy: another process is writing to it.
    """
    folder, name = Path(out), start.lasting_name(model)
    if minutes is not None:
        within("minutes", minutes)
    with hold(folder):
        run = None if overwrite else start.own_run(folder, name, calls)
        if run is None:
            teacher = load(name, "auto")
            config = start.student_config(teacher, name, calls, assignments)
            config_threads(config.training.threads)
            if minutes is not None:
                config = _planned(config, teacher, minutes)
            run = start.start_run(folder, config, teacher, overwrite=overwrite)
        yield from _continued(run)
    return run


def continue_distillation(folder: str | Path) -> Work:
    """Go on with a distillation that was stopped or killed; a finished one is left as it is.

    Raises:
        MissingInput: the folder holds no distillation, or its teacher is gone.
        DataError: the teacher has changed.
    """
    run = Run.open(folder)
    if not run.config.distillation.calls:
        raise MissingInput(f"no distillation in {folder}", "it is a training", "ddpm-clip resume")
    with hold(run.folder):
        yield from _continued(run)
    return run


def _continued(run: Run) -> Generator[Progress | TrainStep, None, None]:
    """Record and train what is left of a run that this process holds."""
    run.tidy()
    config = run.config
    config_threads(config.training.threads)
    last = max(run.checkpoint_steps(), default=0)
    if last >= config.training.steps and run.checkpoint_steps():
        return
    teacher = start.teacher_of(run)
    if not run.checkpoint_steps():
        start.carry(run, teacher)  # a crash may have come in the middle of it
    options = config.distillation
    kept = start.kept_levels(teacher, config)
    walks = yield from record(run, teacher, asking_of(teacher, config), kept)
    width = load_conditioner(run.folder, bridge_options(config.conditioning)).width
    state = start.start_state(run, width, teacher)
    device = usable_device(config.training.device)
    state.surroundings = surroundings(device, pick_dtype(config.training.dtype, device))
    if checkpoint := run.load(groups=GROUPS):
        state.restore(checkpoint)
        report_changes(checkpoint.state, state.surroundings)
    run.cut_history(state.step)
    run.check_room(state.size())
    compare = Comparison()
    if options.features == "clip":
        clip = build_embedder(
            config.embedder, classes=teacher.classes, home=run.folder, device=str(device)
        )
        compare = Comparison(clip_features(clip), options.feature_weight)
    yield Progress("train", state.step, config.training.steps)
    yield from _saved(_Training(run, config, state, walks, compare, device))


def asking_of(teacher: LoadedModel, config: Config) -> Asking:
    """Return what draws the conditions of a student's walks."""
    options = config.distillation
    return Asking(
        teacher,
        options.texts,
        options.unconditional,
        options.scales,
        options.own_scale,
        config.training.seed,
    )


def _planned(config: Config, teacher: LoadedModel, minutes: float) -> Config:
    """Try a shard of walks and some steps, and plan as many as fit into the time."""
    kept = start.kept_levels(teacher, config)
    asked = asking_of(teacher, config).shard(0, SHARD)
    b, shape = config.training.batch_size, teacher.image_shape
    states = torch.randn(b, len(kept) + 1, *shape)
    c = torch.zeros(b, teacher.conditioner.width)
    walks = Walks(states, c, torch.ones(b), tuple(kept))
    run = Run(Path(), config)  # nothing is read from it or written to it
    state = start.start_state(run, teacher.conditioner.width, teacher)
    compare = Comparison()
    if config.distillation.features == "clip":
        compare = Comparison(clip_features(teacher.embedder), config.distillation.feature_weight)
    trial = _Training(run, config, state, walks, compare, teacher.device)
    return planned(
        config,
        minutes,
        lambda: taken(teacher, asked, kept, config),
        lambda: trial.optimise(trial.state.step + 1, 0.0),
        2 * states[0].numel(),
    )


def _saved(training: "_Training") -> Iterator[TrainStep]:
    """Train, and save however it ends, as `training.loop.train` does."""
    try:
        yield from training.steps()
    except StorageError:  # writing has just failed, so do not try again
        raise
    except BaseException:
        if training.state.is_whole:
            training.save()
        raise
    training.save()


class _Training:
    """The steps of a student: what all of them share, and the step itself."""

    def __init__(
        self,
        run: Run,
        config: Config,
        state: TrainState,
        walks: Walks,
        compare: Comparison,
        device: torch.device,
    ):
        self.run, self.config, self.state, self.walks = run, config, state, walks
        self.compare, self.device, self.options = compare, device, config.training
        self.ddpm = build_ddpm(config.diffusion, device)
        self.loss = METHODS[config.distillation.method]
        self.dtype = pick_dtype(self.options.dtype, device)
        state.scale.start(self.dtype)
        self.pending: list[TrainStep] = []
        self.saved = -1

    def steps(self) -> Iterator[TrainStep]:
        """Take the steps that are left."""
        began, last = time.perf_counter(), self.options.steps
        self.saved = self.state.step if self.run.checkpoint_steps() else -1
        b = self.options.batch_size
        while self.state.step < last:
            start, step = time.perf_counter(), self.state.step + 1
            lr = learning_rate(step, last, self.options) * self.state.stability.rate
            loss = self.optimise(step, lr)
            now = time.perf_counter()
            epoch, speed = step * b / len(self.walks), b / (now - start)
            done = TrainStep(step, epoch, loss, lr, speed, now - began)
            self.pending.append(done)
            if step % self.options.checkpoint_every == 0 or step == last:
                self.save()
            yield done

    def save(self) -> None:
        """Save the current state, unless it is saved already.

        Raises:
            NonFiniteError: it holds NaN or infinite values.
        """
        self.run.append_history(self.pending)
        self.pending.clear()
        if self.saved != self.state.step:
            self.run.save(self.state.sound_checkpoint())
            self.saved = self.state.step

    def optimise(self, step: int, lr: float) -> float:
        """Take one step; return its loss, NaN if it was skipped."""
        self.state.optimizer.zero_grad()
        torch.manual_seed(step_seed(self.options.seed, step) + 1)  # for dropout
        loss = self.lesson(step).mean()
        (loss * self.state.scale.factor).backward()
        norm = self.state.scale.clipped(self.state.model.parameters(), self.options.clip)
        is_sound = bool(loss.isfinite() and norm.isfinite())
        if not (is_sound or (loss.isfinite() and self.state.scale.overflowed())):
            self.stumble(loss, norm, lr)
        self.state.finish_step(lr if is_sound else None)
        return loss.item() if is_sound else math.nan

    def lesson(self, step: int) -> Tensor:
        """Return the losses (b,) of a step's batch, with gradients."""
        seed, distillation = self.options.seed, self.config.distillation
        rows = batch_indices(len(self.walks), self.options.batch_size, seed, step - 1)
        lesson = Lesson(
            self.state.model,
            self.ddpm,
            self.walks.rows(torch.from_numpy(rows), self.device),
            distillation.levels,
            (step - 1) / max(1, self.options.steps),
            distillation.halving,
            self.compare,
            torch.Generator().manual_seed(step_seed(seed, step)),
        )
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return self.loss(lesson)

    def stumble(self, loss: Tensor, norm: Tensor, lr: float) -> None:
        """Skip a step, and report it in nan_report.json.

        Raises:
            NonFiniteError: too many steps in a row were skipped.
        """
        bad = BadStep(self.state.step + 1, lr, str(loss.item()), str(norm.item()), [])
        try:
            message = self.state.stability.stumbled(bad)
            warnings.warn(message, DdpmClipWarning, stacklevel=1)
        finally:
            streak = [asdict(one) for one in self.state.stability.streak]
            self.run.write_json("nan_report.json", {"steps": streak})
