"""What reads pictures and words for an analysis: types of functions, and reading in parts."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ddpm_clip.types import Predict

Conditions = Callable[[Sequence[str], Sequence[int]], Tensor]
"""(prompts, seeds), as many of one as of the other -> (n, e) conditions."""


ImageReader = Callable[[Tensor], Tensor]
"""(b, c, h, w) in [-1, 1] -> (b, k) class probabilities, or (b, e) embeddings of unit length.

Differentiable; `AnalysisTarget.judge` and `AnalysisTarget.embed` say whether gradients are wanted.
"""


TextReader = Callable[[Sequence[str]], Tensor]
"""texts -> (p, e) embeddings of unit length, in the space of the pictures' `ImageReader`."""


Wrap = Callable[[Predict], Predict]


JUDGED = 256
"""Pictures read at once."""


def read(reader: ImageReader, x: Tensor, gradients: bool = False) -> Tensor:
    """(b, k) what a reader makes of pictures x (b, c, h, w), which are cut to [-1, 1] first."""
    if gradients:
        return reader(x.clamp(-1, 1))
    with torch.no_grad():
        return torch.cat([reader(part.clamp(-1, 1)) for part in x.split(JUDGED)])
