"""Log-odds of the judge, and whether the pictures show the requested class.

If the judge does not see the requested class in most pictures, the model does not follow the
prompt. Then there is nothing to explain, and an analysis is inconclusive whatever else it finds.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.statistics.intervals import wilson

SUREST = 1e-4
"""Probabilities are clamped to [1e-4, 1 - 1e-4], so that log-odds stay within 9.2 either way."""


def log_odds(probs: Tensor, k: int) -> Tensor:
    """Return (b,) ln p / (1 - p) of class k from probabilities (b, classes); differentiable."""
    return torch.logit(probs[:, k].double(), SUREST)


@dataclass(frozen=True, slots=True)
class Followed:
    """How many pictures of a prompt show the requested class, by the judge.

    Attributes:
        n: number of pictures.
        seen: number of pictures whose likeliest class is the requested one.
    """

    n: int
    seen: int

    @classmethod
    def of(cls, probs: Tensor, asked_class: int) -> "Followed":
        """Count from class probabilities (b, k)."""
        return cls(len(probs), int((probs.argmax(1) == asked_class).sum()))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share (Wilson)."""
        return wilson(self.seen, self.n)

    @property
    def enough(self) -> bool:
        """Whether it is more than half of all pictures, interval included."""
        return self.interval[0] > 0.5

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "n": self.n,
            "seen": self.seen,
            "share": self.seen / max(1, self.n),
            "interval_95": self.interval,
        }
