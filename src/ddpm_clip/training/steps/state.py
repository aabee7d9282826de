"""What changes during training (network, EMA, optimiser, learning rate), and its checkpoints.

Knows nothing of how many processes there are: names and shapes are those of the plain network, so
that a run can be resumed with any number of processes.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from ddpm_clip.build import build_denoiser
from ddpm_clip.config.schema import TrainingConfig
from ddpm_clip.errors import NonFiniteError, UsageError
from ddpm_clip.models.ema import EMA
from ddpm_clip.runs.checkpoints import Checkpoint
from ddpm_clip.runs.pretrained import weights_of
from ddpm_clip.runs.run import Run
from ddpm_clip.training.steps.loss_scale import LossScale
from ddpm_clip.training.steps.optimizers import OPTIMIZERS, flat_optimizer, load_optimizer
from ddpm_clip.training.steps.pace import Pace
from ddpm_clip.training.steps.stability import Stability

GROUPS = ("model", "ema", "optimizer")
"""The groups of tensors in a checkpoint that can be resumed from."""


@dataclass(slots=True)
class TrainState:
    """Everything that changes during training."""

    model: nn.Module
    ema: EMA
    optimizer: torch.optim.Optimizer
    step: int = 0  # steps taken
    best: float = math.inf  # lowest held-out loss of any checkpoint, that of `best_step`
    best_step: int | None = None
    stability: Stability = field(default_factory=Stability)  # steps with NaN or infinite values
    parts: int = 0  # micro-batches per step after memory ran out; 0 if it never did
    surroundings: dict[str, Any] = field(default_factory=dict)  # what rounding depends on
    scale: LossScale = field(default_factory=LossScale)  # of the loss, in float16
    pace: Pace | None = None  # of a training that was given minutes
    is_whole: bool = True  # False while weights, average and number of the step do not fit together

    @classmethod
    def start(cls, model: nn.Module, config: TrainingConfig) -> "TrainState":
        """Return the initial state of a training of `model`."""
        decayed = [p for p in model.parameters() if p.ndim >= 2]
        plain = [p for p in model.parameters() if p.ndim < 2]
        groups = [
            {"params": decayed, "weight_decay": config.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        optimizer = OPTIMIZERS[config.optimizer](groups, config.lr)
        return cls(model, EMA(model, sigma_rel=config.ema_sigma_rel), optimizer)

    def checkpoint(self) -> Checkpoint:
        """Return a checkpoint with everything that a resumed run needs."""
        tensors = {
            "model": dict(self.model.state_dict()),
            "ema": dict(self.ema.state_dict()),
            "optimizer": flat_optimizer(self.optimizer) | {"rng": torch.get_rng_state()},
        }
        state: dict[str, Any] = {
            "ema_updates": self.ema.n,
            "best": None if math.isinf(self.best) else self.best,
            "best_step": self.best_step,
            "stability": self.stability.as_dict(),
            "parts": self.parts,
            **self.scale.as_dict(),
            **({} if self.pace is None else {"pace": self.pace.as_dict(self.step)}),
            **self.surroundings,
        }
        return Checkpoint(self.step, tensors, state)

    def sound_checkpoint(self, heldout: float | None = None) -> Checkpoint:
        """Return `checkpoint()` after checking that all its values are finite.

        Args:
            heldout: the held-out loss of this state, if measured; it may become the best.

        Raises:
            NonFiniteError: a value is NaN or infinite; the message names the tensor.
        """
        if heldout is not None and heldout < self.best:
            self.best, self.best_step = heldout, self.step
        made = self.checkpoint()
        for group, tensors in made.tensors.items():
            for name, value in tensors.items():
                if not value.isfinite().all():
                    raise NonFiniteError(
                        f"the training has NaN or infinite values at step {self.step}",
                        f"in {group} {name}; this state is not saved",
                        "the last checkpoint is sound; restart with a lower rate: "
                        "--set training.lr=… --overwrite",
                    )
        return made

    def finish_step(self, lr: float | None) -> None:
        """Update weights and average at a learning rate, or not if it is None; count the step."""
        self.is_whole = False
        if lr is not None:
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            self.optimizer.step()
            self.ema.update()
            self.stability.went_well()
            self.scale.went_well()
        self.step += 1
        self.is_whole = True

    def size(self) -> int:
        """Return the size of a checkpoint in bytes, with two optimiser values per weight."""
        return 4 * sum(value.numel() * value.element_size() for value in self.ema.shadow.values())

    def restore(self, checkpoint: Checkpoint) -> None:
        """Resume from a checkpoint."""
        self.model.load_state_dict(checkpoint.tensors["model"])
        self.ema.load_state_dict(checkpoint.tensors["ema"], checkpoint.state["ema_updates"])
        optimizer = dict(checkpoint.tensors["optimizer"])
        torch.set_rng_state(optimizer.pop("rng"))
        load_optimizer(self.optimizer, optimizer)
        self.step = checkpoint.step
        best = checkpoint.state["best"]
        self.best = math.inf if best is None else best
        # missing in checkpoints of earlier versions
        self.best_step = checkpoint.state.get("best_step")
        self.stability = Stability.of(checkpoint.state.get("stability", {}))
        self.parts = checkpoint.state.get("parts", 0)
        self.scale.restore(checkpoint.state)


def start_state(run: Run, width: int, device: torch.device) -> TrainState:
    """Return the initial state of a run with conditions of size `width`.

    Raises:
        UsageError: the weights of `init` do not fit this network.
    """
    config, init = run.config, run.read_json("run.json").get("init")
    torch.manual_seed(config.training.seed)
    model = build_denoiser(
        config.model,
        T=config.diffusion.timesteps,
        img_ch=config.data.channels,
        img_size=config.data.image_size,
        c_embed_dim=width,
    ).to(device)
    if config.training.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if init:
        _load_init(model, init)
    return TrainState.start(model, config.training)


def _load_init(model: nn.Module, name: str) -> None:
    try:
        model.load_state_dict(weights_of(name))
    except RuntimeError as error:
        raise UsageError(
            f"the weights of {name!r} do not fit this network",
            str(error).splitlines()[-1].strip()[:160],
            "train with that model's preset and embedder, or leave out --init",
            param="init",
        ) from error


def learning_rate(
    step: int, steps: int, config: TrainingConfig, progress: float | None = None
) -> float:
    """Return the learning rate of a step, counted from 1: warm-up, plateau, linear decay.

    Args:
        step: number of the step.
        steps: number of all steps.
        config: rate, warm-up and decay.
        progress: share of the training after this step, where it is not `step / steps`.
    """
    warm = min(1.0, step / config.warmup) if config.warmup else 1.0
    whole, done = (float(steps), float(step)) if progress is None else (1.0, progress)
    falling, left = config.decay * whole, whole - done
    if not falling or left >= falling:
        return config.lr * warm
    return config.lr * min(warm, config.final_lr + (1 - config.final_lr) * left / falling)
