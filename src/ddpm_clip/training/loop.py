"""The training of the denoiser: a generator that yields one `TrainStep` a step.

Whoever consumes it draws bars, prints, or stops; when it is closed early it saves first. Every
draw is a function of (seed, step), so that a resumed run equals an unbroken one to the bit. Where
several processes train, each draws for the whole batch and computes its own rows of it, so that
their number does not matter. Knows nothing of commands or drawing.
"""

import math
import time
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.build import build_ddpm, usable_device
from ddpm_clip.conditioning import Conditioner, draw_levels
from ddpm_clip.config import Config
from ddpm_clip.data.loader import batch_indices, flip_mask
from ddpm_clip.data.pixels import BadFile
from ddpm_clip.errors import NonFiniteError
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.run import Run
from ddpm_clip.training.state import TrainState, learning_rate, start_state
from ddpm_clip.training.validation import HeldOut, errors
from ddpm_clip.training.world import ALONE, World
from ddpm_clip.types import Denoiser, TrainStep
from ddpm_clip.utils.device import pick_dtype
from ddpm_clip.utils.tensors import to_float


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the loop needs of the data: pixels and embeddings, row for row, and the conditioner.

    Attributes:
        pixels: (n, c, h, w) uint8, in memory or memory-mapped.
        embeddings: (n, e), of the pictures as they are.
        mirrored: (n, e), of the pictures mirrored; None where mirroring is off.
        conditioner: fitted on the training rows.
        heldout: rows that are never trained on.
        bad: the files that were left out.
    """

    pixels: np.ndarray
    embeddings: Tensor
    conditioner: Conditioner
    heldout: np.ndarray
    mirrored: Tensor | None = None
    bad: tuple[BadFile, ...] = ()

    @property
    def rows(self) -> np.ndarray:
        """The rows to train on."""
        return np.setdiff1d(np.arange(len(self.pixels)), self.heldout)

    def heldout_set(self) -> HeldOut:
        """The rows that are never trained on, as the validation takes them."""
        return HeldOut(self.pixels[self.heldout], self.embeddings[self.heldout], self.conditioner)


def total_steps(config: Config, n: int) -> int:
    """The steps of a run on `n` pictures."""
    if config.training.epochs is None:
        return config.training.steps
    return math.ceil(config.training.epochs * n / config.training.batch_size)


def train(
    run: Run, prepared: Prepared, state: TrainState | None = None, world: World = ALONE
) -> Iterator[TrainStep]:
    """Train from the run's newest checkpoint to its last step, saving as the config says.

    Args:
        run: held by this process (`run.writing()`), or by the first of the world.
        prepared: the data.
        state: to use instead of a fresh one (its weights are the start); a checkpoint of the
            run still goes before it.
        world: the processes that train together. Each yields the same steps and must be asked
            for the same number of them; the first one alone writes.

    Raises:
        NonFiniteError: the loss is no longer a number; nothing of that is saved.
        UsageError: fewer pictures a step than processes.
        DataError: the processes do not have the same data.
    """
    config = run.config
    device = world.device(usable_device(config.training.device))
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    state = state or start_state(run, prepared.conditioner.width, device)
    if checkpoint := run.load():
        state.restore(checkpoint)
    _agree(world, config, prepared, state)
    if world.is_first:
        run.cut_history(state.step)
    loop = _Loop(run, prepared, state, build_ddpm(config.diffusion, device), device, world)
    together = True
    try:
        yield from loop.steps()
    except (GeneratorExit, NonFiniteError):  # every process is here, after the same step
        raise
    except BaseException:
        together = False
        raise
    finally:
        loop.save()
        if together:
            world.meet()  # none leaves before the first has saved


def _agree(world: World, config: Config, prepared: Prepared, state: TrainState) -> None:
    """Wait for the others, and see that they are about to do the same."""
    world.check_batch(config.training.batch_size)
    if world.size > 1:
        n = len(prepared.pixels)
        some = np.linspace(0, n - 1, min(n, 64)).astype(int)
        pixels = zlib.crc32(np.ascontiguousarray(prepared.pixels[some]).tobytes())
        vectors = zlib.crc32(np.asarray(prepared.embeddings[some]).tobytes(), pixels)
        world.check_same("data", f"{n} pictures ({vectors:08x})")
        world.check_same("checkpoint", f"step {state.step}")
    world.meet()


class _Loop:
    """The parts of the loop that stay the same from step to step."""

    def __init__(
        self, run: Run, prepared: Prepared, state: TrainState, ddpm: DDPM, device: torch.device,
        world: World = ALONE,
    ):  # fmt: skip
        self.run, self.data, self.state, self.ddpm, self.device = run, prepared, state, ddpm, device
        self.world = world
        self.config, self.options = run.config, run.config.training
        self.rows = prepared.rows
        self.last = total_steps(run.config, len(self.rows))
        self.dtype = pick_dtype(self.options.dtype, device)
        self.wrapped = world.wrap(state.model)  # the state keeps the plain one, and its names
        model = torch.compile(self.wrapped) if self.options.compile else self.wrapped
        self.network = cast(Denoiser, model)
        self.pending: list[TrainStep] = []
        self.saved = state.step if run.checkpoint_steps() else -1

    def steps(self) -> Iterator[TrainStep]:
        began = time.perf_counter()
        while self.state.step < self.last:
            start = time.perf_counter()
            step = self.state.step + 1
            lr = learning_rate(step, self.last, self.options)
            loss = self.optimise(step, lr)
            heldout = self.heldout_loss() if self.measures(step) else None
            now = time.perf_counter()
            done = TrainStep(
                step, step * self.options.batch_size / len(self.rows), loss, lr,
                self.options.batch_size / (now - start), now - began, heldout,
            )  # fmt: skip
            self.pending.append(done)
            published = step % self.options.checkpoint_every == 0 or step == self.last
            if published:
                self.save(heldout)
            yield done
            if published:
                self.world.meet()  # the first one saved, and may have drawn samples of it

    def measures(self, step: int) -> bool:
        """True on the steps that measure the held-out loss; every checkpoint has one."""
        every = step % self.options.heldout_every == 0 or step % self.options.checkpoint_every == 0
        return len(self.data.heldout) > 0 and (every or step == self.last)

    def save(self, heldout: float | None = None) -> None:
        """Publish the present state, unless it is published already; the first process does."""
        if not self.world.is_first:
            return self.pending.clear()
        self.run.append_history(self.pending)
        self.pending.clear()
        if self.saved == self.state.step:
            return
        best = heldout is not None and heldout < self.state.best
        if best and heldout is not None:
            self.state.best = heldout
        self.run.save(self.state.checkpoint(), best=best)
        self.saved = self.state.step

    def optimise(self, step: int, lr: float) -> float:
        """One optimisation step; returns the loss of the whole batch."""
        draws = torch.Generator().manual_seed(_mix(self.options.seed, step))
        # Dropout draws from the global generator, in each process its own numbers.
        torch.manual_seed(_mix(self.options.seed, step) + 1 + self.world.rank)
        rows = self.batch(step - 1, draws)
        loss = torch.zeros(())
        split = torch.arange(len(rows[0])).tensor_split(self.options.accumulation)
        parts = [part for part in split if len(part)]
        for part in parts:
            last = part is parts[-1]
            with nullcontext() if last else self.world.own_gradients(self.wrapped):
                loss = loss + self.gradients(*(value[part] for value in rows))
        loss = self.world.sum(loss)
        self.apply(loss, lr)
        return loss.item()

    def gradients(self, x_0: Tensor, c: Tensor, c_mask: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """Add the gradients of some rows; returns their share of the loss of the whole batch.

        The processes' gradients are averaged, not summed: hence the factor of their number.
        """
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            value = self.ddpm.get_loss(self.network, x_0, t, c, c_mask, eps)
            value = value * (len(x_0) / self.options.batch_size)
        (value * self.world.size).backward()
        return value.detach().cpu()

    def apply(self, loss: Tensor, lr: float) -> None:
        """Clip, step, average; refuse what is no number before it reaches the weights."""
        parameters = list(self.state.model.parameters())
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.options.clip)
        if not (loss.isfinite() and norm.isfinite()):
            raise NonFiniteError(
                f"the loss is {loss.item()} at step {self.state.step + 1}",
                f"learning rate {lr:.2g}, gradient norm {norm.item():.3g}",
                "the last checkpoint is sound; to start anew with a lower rate: "
                "--set training.lr=… --overwrite",
            )
        for group in self.state.optimizer.param_groups:
            group["lr"] = lr
        self.state.optimizer.step()
        self.state.optimizer.zero_grad()
        self.state.ema.update()
        self.state.step += 1

    def batch(self, index: int, draws: torch.Generator) -> tuple[Tensor, ...]:
        """x_0, c, c_mask, t and eps of this process's rows; all of it follows from (seed, step).

        Everything is drawn for the whole batch and then cut, so that a picture gets the same draws
        whichever process has it. All are on the device but t, which the schedule looks up in
        float64 on the CPU.
        """
        b, seed = self.options.batch_size, self.options.seed
        own = self.world.part(b)
        rows = self.rows[batch_indices(len(self.rows), b, seed, index)]
        x_0, e = self.pictures(rows[own]), self.data.embeddings[rows]
        if self.data.mirrored is not None:
            flip = torch.from_numpy(flip_mask(seed, index, b))
            x_0 = torch.where(flip[own, None, None, None], x_0.flip(-1), x_0)
            e = torch.where(flip[:, None], self.data.mirrored[rows], e)
        options = self.config.conditioning
        level = draw_levels(b, options.noise_max, options.noise_prob, draws)
        c = self.data.conditioner.images(e, level, draws)
        t = self.ddpm.rows(b, draws)
        c_mask = self.ddpm.get_context_mask(c, options.c_drop_prob, draws, options.c_drop_mode)
        if options.c_drop_mode == "element":
            c, c_mask = c * c_mask, torch.ones(b, 1)
        eps = torch.randn((b, *x_0.shape[1:]), generator=draws)
        x_0, c, c_mask, eps = (
            part.to(self.device) for part in (x_0, c[own], c_mask[own], eps[own])
        )
        return x_0, c, c_mask, t[own], eps

    def pictures(self, rows: np.ndarray) -> Tensor:
        x_0 = to_float(torch.from_numpy(np.ascontiguousarray(self.data.pixels[rows])))
        return (
            x_0.contiguous(memory_format=torch.channels_last) if self.options.channels_last else x_0
        )

    def heldout_loss(self) -> float:
        """The loss of the averaged weights on the fixed held-out set."""
        with self.state.ema.applied() as model:
            model.eval()
            data, n = self.data.heldout_set(), len(self.data.heldout)
            # A condition that never was trained with is not measured with.
            shown = self.config.conditioning.c_drop_prob < 1
            found, _ = errors(
                cast(Denoiser, model), self.ddpm, data, shown=shown, own=self.world.part(n)
            )
            model.train()
        return self.world.sum(
            found.mean() * (len(found) / n) if len(found) else torch.zeros(())
        ).item()


def _mix(seed: int, step: int) -> int:
    """One 63-bit seed for a step of a run."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1))
