"""An exponential moving average of the weights, with a profile that fits every run length.

By default the power-function profile of Karras et al. 2024 (section 3.1): the average always
spans the same share of the run so far, so that short runs are not diluted by their random start.
Knows nothing of training loops or files.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def power_exponent(sigma_rel: float) -> float:
    """The gamma whose profile has the relative width `sigma_rel` in (0, 0.28) (eq. 123).

    >>> round(power_exponent(0.10), 2), round(power_exponent(0.05), 2)
    (6.94, 16.97)
    """
    low, high = 0.0, 1e6
    for _ in range(200):
        gamma = (low + high) / 2
        width = (gamma + 1) ** 0.5 / ((gamma + 2) * (gamma + 3) ** 0.5)
        low, high = (gamma, high) if width > sigma_rel else (low, gamma)
    return low


class EMA:
    """Averaged copies of a model's parameters and buffers.

    Args:
        model: whose weights are averaged; the average starts at their present values.
        decay: a constant decay with the ramp min(decay, (1 + n) / (10 + n)), for comparisons;
            None takes the power-function profile.
        sigma_rel: width of the power-function profile as a share of the run.
    """

    def __init__(self, model: nn.Module, decay: float | None = None, *, sigma_rel: float = 0.1):
        self.model, self.decay = model, decay
        self.gamma = power_exponent(sigma_rel)
        self.n = 0
        self._kept: dict[str, Tensor] | None = None
        self.register()

    def register(self) -> None:
        """Start the average anew at the model's present weights."""
        self.shadow = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def beta(self, n: int) -> float:
        """The decay of update n, counted from 1."""
        if self.decay is None:
            return float((1 - 1 / n) ** (self.gamma + 1))
        return min(self.decay, (1 + n) / (10 + n))

    @torch.no_grad()
    def update(self) -> None:
        """Fold the model's present weights in."""
        self.n += 1
        weight = 1 - self.beta(self.n)
        state = self.model.state_dict()
        floats = [k for k, v in state.items() if v.is_floating_point()]
        torch._foreach_lerp_([self.shadow[k] for k in floats], [state[k] for k in floats], weight)
        for k in state.keys() - set(floats):
            self.shadow[k].copy_(state[k])

    def apply_shadow(self) -> None:
        """Put the averaged weights into the model; harmless when they are there already."""
        if self._kept is None:
            self._kept = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
            self.model.load_state_dict(self.shadow)

    def restore(self) -> None:
        """Put the trained weights back."""
        if self._kept is not None:
            self.model.load_state_dict(self._kept)
            self._kept = None

    @contextmanager
    def applied(self) -> Iterator[nn.Module]:
        """The model with averaged weights, for the length of a `with` block."""
        self.apply_shadow()
        try:
            yield self.model
        finally:
            self.restore()

    def state_dict(self) -> dict[str, Tensor]:
        """The averaged weights, by the model's own names."""
        return self.shadow

    def load_state_dict(self, state: dict[str, Tensor], n: int) -> None:
        """Continue an average that has seen `n` updates."""
        for k, v in self.shadow.items():
            v.copy_(state[k])
        self.n = n
