"""Is what was asked for in the pictures, and how surely: log-odds of the judge.

What a model does not follow cannot be explained: where the judge does not see the class that was
asked for in most pictures, an analysis is inconclusive whatever else it finds. Knows nothing of
how pictures came about.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.statistics.intervals import wilson

SUREST = 1e-4
"""A judge is never believed to be surer than this, either way: log-odds stay within 9.2."""


def log_odds(probs: Tensor, k: int) -> Tensor:
    """(b,) ln p / (1 - p) of class k, from probabilities (b, classes); differentiable."""
    return torch.logit(probs[:, k].double(), SUREST)


@dataclass(frozen=True, slots=True)
class Followed:
    """Pictures of a prompt, and in how many the judge sees what was asked for.

    Attributes:
        n: pictures.
        seen: those whose likeliest class is the requested class.
    """

    n: int
    seen: int

    @classmethod
    def of(cls, probs: Tensor, asked_class: int) -> "Followed":
        """Count in class probabilities (b, k)."""
        return cls(len(probs), int((probs.argmax(1) == asked_class).sum()))

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, of the share."""
        return wilson(self.seen, self.n)

    @property
    def enough(self) -> bool:
        """Is it more than half of all pictures, interval included?"""
        return self.interval[0] > 0.5

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "n": self.n,
            "seen": self.seen,
            "share": self.seen / max(1, self.n),
            "interval_95": self.interval,
        }
