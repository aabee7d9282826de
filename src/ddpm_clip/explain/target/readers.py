"""Types of the functions that judge and embed pictures and texts, and reading in batches."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ddpm_clip.types import Predict

Conditions = Callable[[Sequence[str], Sequence[int]], Tensor]
"""(n prompts, n seeds) -> (n, e) conditions."""


ImageReader = Callable[[Tensor], Tensor]
"""(b, c, h, w) in [-1, 1] -> (b, k) class probabilities, or (b, e) embeddings of unit length.

Differentiable; `AnalysisTarget.judge` and `AnalysisTarget.embed` decide whether gradients flow.
"""


TextReader = Callable[[Sequence[str]], Tensor]
"""Texts -> (p, e) embeddings of unit length, in the same space as those of the pictures."""


Wrap = Callable[[Predict], Predict]
"""Changes the guided prediction of a walk."""


JUDGED = 256
"""Pictures read at once."""


def read(reader: ImageReader, x: Tensor, gradients: bool = False) -> Tensor:
    """Return (b, k) the output of a reader on pictures (b, c, h, w), clamped to [-1, 1] first."""
    if gradients:
        return reader(x.clamp(-1, 1))
    with torch.no_grad():
        return torch.cat([reader(part.clamp(-1, 1)) for part in x.split(JUDGED)])
