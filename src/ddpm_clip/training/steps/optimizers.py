"""The optimisers by name, and their state as named tensors for checkpoints."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.registry import Registry
from ddpm_clip.training.steps.muon import Muon

Group = dict[str, Any]


def _adamw(groups: list[Group], lr: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr, (0.9, 0.99), fused=True)


OPTIMIZERS: Registry[Callable[[list[Group], float], torch.optim.Optimizer]] = Registry(
    "optimizer", {"adamw": _adamw, "muon": Muon}
)


def flat_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the state of an optimiser as named tensors: number of the parameter, dot, name."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{name}": value for i, row in state.items() for name, value in row.items()}


def load_optimizer(optimizer: torch.optim.Optimizer, flat: dict[str, Tensor]) -> None:
    """Load what `flat_optimizer` returned into an optimiser of the same parameters."""
    whole = optimizer.state_dict()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in flat.items():
        number, name = key.split(".", 1)
        parameter = parameters[int(number)]
        if value.shape == parameter.shape:
            # The fused kernel pairs values by memory order, not by index, while files are always
            # contiguous: give each moment the memory format of its parameter (channels_last).
            value = torch.empty_like(parameter).copy_(value)
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
