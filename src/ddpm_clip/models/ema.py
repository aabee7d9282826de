"""Exponential moving average (EMA) of the weights.

By default with the power-function profile of Karras et al. 2024 (EDM2, section 3.1): the average
always spans the same fraction of the training so far, so a short run is not diluted by its random
initialisation.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def power_exponent(sigma_rel: float) -> float:
    """Return the gamma whose profile has the relative width `sigma_rel` in (0, 0.28) (eq. 123).

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
    """Averages of a model's parameters and buffers.

    Args:
        model: the model whose weights are averaged; the average starts at their current values.
        decay: constant decay with the warm-up min(decay, (1 + n) / (10 + n)), for comparisons;
            None takes the power-function profile.
        sigma_rel: width of the power-function profile, as a fraction of the training so far.
    """

    def __init__(self, model: nn.Module, decay: float | None = None, *, sigma_rel: float = 0.1):
        self.model, self.decay = model, decay
        self.gamma = power_exponent(sigma_rel)
        self.n = 0
        self._kept: dict[str, Tensor] | None = None
        self.register()

    def register(self) -> None:
        """Restart the average at the model's current weights."""
        self.shadow = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def beta(self, n: int) -> float:
        """Return the decay of update n, counted from 1."""
        if self.decay is None:
            return float((1 - 1 / n) ** (self.gamma + 1))
        return min(self.decay, (1 + n) / (10 + n))

    @torch.no_grad()
    def update(self) -> None:
        """Update the average with the model's current weights."""
        self.n += 1
        weight = 1 - self.beta(self.n)
        state = self.model.state_dict()
        floats = [k for k, v in state.items() if v.is_floating_point()]
        torch._foreach_lerp_([self.shadow[k] for k in floats], [state[k] for k in floats], weight)
        for k in state.keys() - set(floats):
            self.shadow[k].copy_(state[k])

    def apply_shadow(self) -> None:
        """Load the averaged weights into the model; a second call does nothing."""
        if self._kept is None:
            self._kept = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
            self.model.load_state_dict(self.shadow)

    def restore(self) -> None:
        """Put the training weights back into the model."""
        if self._kept is not None:
            self.model.load_state_dict(self._kept)
            self._kept = None

    @contextmanager
    def applied(self) -> Iterator[nn.Module]:
        """Use the averaged weights within a `with` block."""
        self.apply_shadow()
        try:
            yield self.model
        finally:
            self.restore()

    def state_dict(self) -> dict[str, Tensor]:
        """Return the averaged weights under the model's own names."""
        return self.shadow

    def load_state_dict(self, state: dict[str, Tensor], n: int) -> None:
        """Resume an average after `n` updates."""
        for k, v in self.shadow.items():
            v.copy_(state[k])
        self.n = n
