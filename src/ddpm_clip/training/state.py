"""The state of a training: network, average, optimiser, and their way into a checkpoint.

Knows nothing of data, of the loop, or of how many processes there are: names and shapes are
those of the plain network, so that a run goes on in any number of them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ddpm_clip.build import build_denoiser
from ddpm_clip.checkpoints import Checkpoint
from ddpm_clip.config import TrainingConfig
from ddpm_clip.errors import UsageError
from ddpm_clip.models.ema import EMA
from ddpm_clip.pretrained import weights_of
from ddpm_clip.registry import Registry
from ddpm_clip.run import Run
from ddpm_clip.training.muon import Muon

Group = dict[str, Any]


def _adamw(groups: list[Group], lr: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr, (0.9, 0.99), fused=True)


OPTIMIZERS: Registry[Callable[[list[Group], float], torch.optim.Optimizer]] = Registry(
    "optimizer", {"adamw": _adamw, "muon": Muon}
)


@dataclass(slots=True)
class TrainState:
    """Everything that changes while training."""

    model: nn.Module
    ema: EMA
    optimizer: torch.optim.Optimizer
    step: int = 0
    best: float = math.inf

    @classmethod
    def start(cls, model: nn.Module, config: TrainingConfig) -> "TrainState":
        """A fresh state around a network."""
        decayed = [p for p in model.parameters() if p.ndim >= 2]
        plain = [p for p in model.parameters() if p.ndim < 2]
        groups = [
            {"params": decayed, "weight_decay": config.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        optimizer = OPTIMIZERS[config.optimizer](groups, config.lr)
        return cls(model, EMA(model, sigma_rel=config.ema_sigma_rel), optimizer)

    def checkpoint(self) -> Checkpoint:
        """A snapshot with all that a resumed run needs."""
        tensors = {
            "model": dict(self.model.state_dict()),
            "ema": dict(self.ema.state_dict()),
            "optimizer": _flat_optimizer(self.optimizer) | {"rng": torch.get_rng_state()},
        }
        state: dict[str, Any] = {
            "ema_updates": self.ema.n, "best": None if math.isinf(self.best) else self.best,
            "threads": torch.get_num_threads(), "torch": torch.__version__,
        }  # fmt: skip
        return Checkpoint(self.step, tensors, state)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue where a checkpoint left off."""
        self.model.load_state_dict(checkpoint.tensors["model"])
        self.ema.load_state_dict(checkpoint.tensors["ema"], checkpoint.state["ema_updates"])
        optimizer = dict(checkpoint.tensors["optimizer"])
        torch.set_rng_state(optimizer.pop("rng"))
        _load_optimizer(self.optimizer, optimizer)
        self.step = checkpoint.step
        best = checkpoint.state["best"]
        self.best = math.inf if best is None else best


def start_state(run: Run, width: int, device: torch.device) -> TrainState:
    """Network, average and optimiser as a run starts: from nothing, or from another model.

    Raises:
        UsageError: the weights of the other model do not fit this network.
    """
    config, init = run.config, run.read_json("run.json").get("init")
    torch.manual_seed(config.training.seed)
    model = build_denoiser(
        config.model, T=config.diffusion.timesteps, img_ch=config.data.channels,
        img_size=config.data.image_size, c_embed_dim=width,
    ).to(device)  # fmt: skip
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


def learning_rate(step: int, steps: int, config: TrainingConfig) -> float:
    """The rate of step 1, 2, …: linear warm-up, a plateau, and a linear fall at the end."""
    warm = min(1.0, step / config.warmup) if config.warmup else 1.0
    falling = config.decay * steps
    left = steps - step
    if not falling or left >= falling:
        return config.lr * warm
    return config.lr * min(warm, config.final_lr + (1 - config.final_lr) * left / falling)


def _flat_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {f"{i}.{name}": value for i, row in state.items() for name, value in row.items()}


def _load_optimizer(optimizer: torch.optim.Optimizer, flat: dict[str, Tensor]) -> None:
    whole = optimizer.state_dict()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in flat.items():
        number, name = key.split(".", 1)
        parameter = parameters[int(number)]
        if value.shape == parameter.shape:
            # The fused kernel pairs numbers by their place in memory, not by their index, and
            # files are always row by row: lay each moment out as its parameter (channels_last).
            value = torch.empty_like(parameter).copy_(value)
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
