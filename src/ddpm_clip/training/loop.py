"""The training loop of the denoiser: a generator that yields one `TrainStep` per step.

The caller shows progress, or stops; if the generator is closed early, it saves a checkpoint first.
Every random draw is a function of (seed, step), so that a run resumes bit-exactly. With several
processes, each draws for the whole batch and computes only its own rows, so that their number does
not matter.
"""

import math
import time
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from typing import cast

import torch
from torch import Tensor

from ddpm_clip.build import build_ddpm, usable_device
from ddpm_clip.errors import DdpmClipWarning, NonFiniteError, StorageError
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.runs.run import Run
from ddpm_clip.training.keeping_time import keep_time, look_at_the_clock, note_plan
from ddpm_clip.training.process_group import ALONE, ProcessGroup
from ddpm_clip.training.steps.batches import Batch, Batches
from ddpm_clip.training.steps.micro_batches import with_room
from ddpm_clip.training.steps.pace import Timing
from ddpm_clip.training.steps.prepared import Prepared, same_everywhere
from ddpm_clip.training.steps.size import batch_size, fitted_config, step_seed, total_steps
from ddpm_clip.training.steps.stability import BadStep
from ddpm_clip.training.steps.state import GROUPS, TrainState, learning_rate, start_state
from ddpm_clip.training.steps.surroundings import report_changes, surroundings
from ddpm_clip.training.steps.validation import bins_of, everywhere
from ddpm_clip.types import Denoiser, NoiseBin, TrainStep
from ddpm_clip.utils.cpu_threads import config_threads
from ddpm_clip.utils.device import pick_dtype, use_tf32


def train(
    run: Run,
    prepared: Prepared,
    state: TrainState | None = None,
    group: ProcessGroup = ALONE,
    timing: Timing = Timing(),  # noqa: B008 - it is frozen
) -> Iterator[TrainStep]:
    """Train from the run's newest checkpoint to its last step, saving as configured.

    Args:
        run: the run, locked by this process (`run.writing()`) or by the first of the group.
        prepared: the data.
        state: initial state, instead of a fresh one; a checkpoint of the run takes precedence.
        group: the processes that train together. Each yields the same steps and must be advanced
            the same number of times; only the first one writes.
        timing: where `training.minutes` is set, the clock to keep to and when the work began.

    Raises:
        NonFiniteError: the loss stays NaN or infinite (`stability.py`); none of that is saved.
        OutOfMemory: not even one picture fits (`micro_batches.py`).
        StorageError: no room for checkpoints (checked before the first step), or a failed write.
        UsageError: the batch has fewer pictures than there are processes, or the minutes are over.
        DataError: the processes do not have the same data.
    """
    config = run.config
    device = group.device(usable_device(config.training.device))
    config_threads(config.training.threads)
    state = state or start_state(run, prepared.conditioner.width, device)
    state.surroundings = surroundings(device, pick_dtype(config.training.dtype, device))
    if checkpoint := run.load(groups=GROUPS):
        state.restore(checkpoint)
        report_changes(checkpoint.state, state.surroundings)
    same_everywhere(group, prepared, batch_size(config, len(prepared.rows)), state.step)
    keep_time(run, state, checkpoint, group, timing)
    if group.is_first:
        _make_ready(run, state)
    loop = _Loop(run, prepared, state, build_ddpm(config.diffusion, device), device, group)
    try:
        yield from loop.steps()
    except StorageError:  # writing has just failed, so do not try again
        raise
    except (GeneratorExit, NonFiniteError):  # all processes stop after the same step
        loop.save()
        group.meet()  # no process leaves before the first has saved
        raise
    except BaseException:
        if state.is_whole:
            loop.save()
        raise
    loop.save()
    group.meet()


def _make_ready(run: Run, state: TrainState) -> None:
    """Bring the run's files in line with the resumed state, and check for free space."""
    run.cut_history(state.step)
    if state.best_step is not None and state.best_step != run.best_step():
        run.note_best(state.best_step)  # a crash came between checkpoint and note
    run.check_room(state.size())


class _Loop:
    """The training loop: what all steps share, and the step itself."""

    def __init__(
        self,
        run: Run,
        prepared: Prepared,
        state: TrainState,
        ddpm: DDPM,
        device: torch.device,
        group: ProcessGroup = ALONE,
    ):
        self.run, self.data, self.state, self.ddpm, self.device = run, prepared, state, ddpm, device
        self.group = group
        self.rows = prepared.rows
        self.config = fitted_config(run.config, len(self.rows))
        self.options = self.config.training
        pixels = prepared.on_device(device) if self.options.data_on_device else None
        self.batches = Batches(self.config, prepared, self.rows, ddpm, device, group, pixels)
        self.dtype = pick_dtype(self.options.dtype, device)
        state.scale.start(self.dtype)
        use_tf32(self.options.tf32)
        self.wrapped = group.wrap(state.model)  # the state keeps the plain model, and its names
        model = torch.compile(self.wrapped) if self.options.compile else self.wrapped
        self.network = cast(Denoiser, model)
        self.pending: list[TrainStep] = []
        self.saved = state.step if run.checkpoint_steps() else -1

    @property
    def last(self) -> int:
        """Number of all steps; of a training that was given minutes, as planned now."""
        pace = self.state.pace
        return total_steps(self.run.config, len(self.rows)) if pace is None else pace.total

    def steps(self) -> Iterator[TrainStep]:
        began = time.perf_counter()
        while self.state.step < self.last:
            start = time.perf_counter()
            step = self.state.step + 1
            lr = self.rate(step)
            loss = self.optimise(step, lr)
            look_at_the_clock(self.run, self.state, self.group)
            heldout, bins = self.measured() if self.measures(step) else (None, ())
            now = time.perf_counter()
            done = TrainStep(
                step,
                step * self.options.batch_size / len(self.rows),
                loss,
                lr,
                self.options.batch_size / (now - start),
                now - began,
                heldout,
                bins,
            )
            self.pending.append(done)
            published = step % self.options.checkpoint_every == 0 or step == self.last
            if published:
                self.save(heldout)
            yield done
            if published:
                self.group.meet()  # the first process saved, and may have painted samples

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, which begins now."""
        progress = None if self.state.pace is None else self.state.pace.begin(step)
        planned = learning_rate(step, self.last, self.options, progress)
        return planned * self.state.stability.rate

    def measures(self, step: int) -> bool:
        """Return whether this step measures the held-out loss; every checkpoint has one."""
        every = step % self.options.heldout_every == 0 or step % self.options.checkpoint_every == 0
        return len(self.data.heldout) > 0 and (every or step == self.last)

    def save(self, heldout: float | None = None) -> None:
        """Save the current state, unless it is saved already; only the first process writes.

        Raises:
            NonFiniteError: it holds NaN or infinite values; raised in every process.
        """
        if self.group.is_first:
            self.run.append_history(self.pending)
        self.pending.clear()
        if self.saved == self.state.step:
            return
        made = self.state.sound_checkpoint(heldout)
        if self.group.is_first:
            self.run.save(made, best=self.state.best_step == self.state.step)
            note_plan(self.run, self.state)
        self.saved = self.state.step

    def optimise(self, step: int, lr: float) -> float:
        """Do one optimisation step; return the loss of the whole batch, NaN if it is skipped."""
        parts = max(self.options.accumulation, self.state.parts)
        own = self.group.part(self.options.batch_size)
        loss = with_room(
            lambda parts: self.gathered(step, parts),
            parts,
            own.stop - own.start,
            self.cut_smaller,
            alone=self.group.size == 1,
        )
        return self.apply(self.group.sum(loss), lr)

    def cut_smaller(self, parts: int) -> None:
        """From now on, split each step into `parts` micro-batches, also after a resume."""
        self.state.parts = parts
        warnings.warn(
            f"step {self.state.step + 1} does not fit into memory; it is repeated, and all "
            f"later steps are computed, in {parts} micro-batches",
            DdpmClipWarning,
            stacklevel=1,
        )

    def gathered(self, step: int, parts: int) -> Tensor:
        """Compute the gradients of a step, from zero, in micro-batches; return its loss."""
        self.state.optimizer.zero_grad()
        draws = torch.Generator().manual_seed(step_seed(self.options.seed, step))
        # Dropout draws from the global generator, with its own numbers in each process.
        torch.manual_seed(step_seed(self.options.seed, step) + 1 + self.group.rank)
        batch = self.batches.of(step - 1, draws)
        loss = torch.zeros(())
        split = [part for part in torch.arange(len(batch)).tensor_split(parts) if len(part)]
        for part in split:
            last = part is split[-1]
            with nullcontext() if last else self.group.own_gradients(self.wrapped):
                loss = loss + self.gradients(batch.rows(part))
        return loss

    def gradients(self, batch: Batch) -> Tensor:
        """Add the gradients of some rows; return their share of the loss of the whole batch.

        The processes' gradients are averaged, not summed: hence the factor `group.size`.
        """
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            value = self.ddpm.get_loss(
                self.network, batch.x_0, batch.t, batch.c, batch.c_mask, batch.eps
            )
            value = value * (len(batch) / self.options.batch_size)
        (value * (self.group.size * self.state.scale.factor)).backward()
        return value.detach().cpu()

    def apply(self, loss: Tensor, lr: float) -> float:
        """Clip, update weights and EMA; skip the step if loss or gradient is NaN or infinite."""
        norm = self.state.scale.clipped(self.state.model.parameters(), self.options.clip)
        is_sound = bool(loss.isfinite() and norm.isfinite())
        if not (is_sound or (loss.isfinite() and self.state.scale.overflowed())):
            self.stumble(loss, norm, lr)
        self.state.finish_step(lr if is_sound else None)
        self.state.optimizer.zero_grad()
        return loss.item() if is_sound else math.nan

    def stumble(self, loss: Tensor, norm: Tensor, lr: float) -> None:
        """Skip a step, and report it in nan_report.json.

        Raises:
            NonFiniteError: too many steps in a row were skipped.
        """
        shown = self.data.names(self.batches.indices(self.state.step))
        bad = BadStep(self.state.step + 1, lr, str(loss.item()), str(norm.item()), shown)
        try:
            message = self.state.stability.stumbled(bad)
            warnings.warn(message, DdpmClipWarning, stacklevel=1)
        finally:
            if self.group.is_first:
                streak = [asdict(one) for one in self.state.stability.streak]
                self.run.write_json("nan_report.json", {"steps": streak})

    def measured(self) -> tuple[float, tuple[NoiseBin, ...]]:
        """Return the loss of the EMA weights on the fixed held-out set, and its bins."""
        data = self.data.heldout_set()
        # A model trained without conditions is measured without them.
        kinds = (True, False) if self.config.conditioning.c_drop_prob < 1 else (False,)
        with self.state.ema.applied() as model:
            model.eval()
            found = [
                everywhere(cast(Denoiser, model), self.ddpm, data, self.group, shown=shown)
                for shown in kinds
            ]
            model.train()
        return found[0].mean().item(), tuple(bins_of(found[0], found[-1], self.ddpm))
