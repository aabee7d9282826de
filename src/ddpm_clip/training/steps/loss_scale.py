"""The factor of the loss in float16, whose smallest gradients would otherwise become zero.

As in mixed-precision training (Micikevicius et al. 2018, section 3.2): the loss is multiplied by a
power of two before the backward pass, and the gradients are divided by it. A gradient that
overflows halves the factor and skips the step; many good steps in a row double it. Knows nothing of
devices, and is the same in every process, because all of them see the same gradient norm.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

FIRST = 2.0**16
"""Factor of the first step in float16."""

PATIENCE = 2000
"""Good steps in a row after which the factor is doubled."""


@dataclass(slots=True)
class LossScale:
    """The factor, and how many steps went well with it.

    Attributes:
        factor: factor of the loss; 1 where none is needed.
        good: steps since it last changed.
        is_used: whether the number type needs a factor, even one that has come down to 1.
    """

    factor: float = 1.0
    good: int = 0
    is_used: bool = False

    def start(self, dtype: torch.dtype) -> None:
        """Choose the factor for the first step in a number type; keep one that was restored."""
        if dtype != torch.float16:
            self.factor, self.good, self.is_used = 1.0, 0, False
        elif not self.is_used:
            self.factor, self.good, self.is_used = FIRST, 0, True

    def clipped(self, parameters: Iterable[Tensor], most: float) -> Tensor:
        """Divide the gradients of the parameters by the factor, then clip them.

        Args:
            parameters: with gradients of the scaled loss.
            most: greatest norm of all gradients together that is left as it is.

        Returns:
            Their norm before it was clipped.
        """
        parameters = list(parameters)
        if self.factor != 1:
            torch._foreach_div_([p.grad for p in parameters if p.grad is not None], self.factor)
        return torch.nn.utils.clip_grad_norm_(parameters, most)

    def went_well(self) -> None:
        """Record a step without an overflow; after many of them, double the factor."""
        if not self.is_used:
            return
        self.good += 1
        if self.good >= PATIENCE:
            self.factor, self.good = 2 * self.factor, 0

    def overflowed(self) -> bool:
        """Halve the factor, if that can help against an infinite gradient; return whether."""
        if self.factor == 1:
            return False
        self.factor, self.good = self.factor / 2, 0
        return True

    def as_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs; {} without a factor."""
        return {"loss_scale": [self.factor, self.good]} if self.is_used else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from the state of a checkpoint, of which `as_dict` is a part."""
        self.is_used = "loss_scale" in state
        self.factor, self.good = state.get("loss_scale", (1.0, 0))
