"""The ways from where words lie to where pictures lie, by name.

CLIP puts pictures and words into one space but not into one place (Liang et al. 2022). A bridge
takes unit text embeddings to coordinates of a condition. Knows nothing of how the statistics that
it goes by were measured, nor of encoders, networks or files.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.prior import Prior
from ddpm_clip.errors import UsageError
from ddpm_clip.registry import Registry


@dataclass(frozen=True, slots=True)
class BridgeOptions:
    """Settings of the bridges; which one is the default is part of the run."""

    bridge: str = "shift"
    text_noise: float = 0.4
    knn_k: int = 10
    knn_tau: float = 0.05
    knn_beta: float = 0.5
    prior_truncation: float = 0.7


class BridgeContext(Protocol):
    """What a bridge may ask of a conditioner."""

    options: BridgeOptions
    bank: Tensor
    prior: Prior | None

    @property
    def dim(self) -> int:
        """e, the size of the embedding."""
        ...

    def images(self, e: Tensor) -> Tensor:
        """(n, dim + 1) conditions of image embeddings (n, dim); the last is the noise level."""
        ...

    def shifted(self, e: Tensor) -> Tensor:
        """(n, dim) unit text embeddings moved and stretched onto the cloud of the images."""
        ...

    def neighbours(self, e: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """(cosines (n, k), rows of the bank (n, k)), nearest first."""
        ...


Generators = Sequence[torch.Generator]
"""One a row, for what is drawn: a row is the same whatever else is in its batch."""

Bridge = Callable[[BridgeContext, Tensor, float | None, Generators], tuple[Tensor, float]]
"""(conditioner, unit text embeddings (n, e), asked level, generators)
-> (conditions (n, dim), level)."""


def identity(
    context: BridgeContext, e: Tensor, level: float | None, generators: Generators
) -> tuple[Tensor, float]:
    """Texts treated as pictures, gap and all, as the earlier projects did: the baseline."""
    return context.images(e)[:, :-1], 0.0


def shift(
    context: BridgeContext, e: Tensor, level: float | None, generators: Generators
) -> tuple[Tensor, float]:
    """Each modality centred at its own mean (C3, Zhang et al. 2024)."""
    return context.shifted(e), 0.0


def noise(
    context: BridgeContext, e: Tensor, level: float | None, generators: Generators
) -> tuple[Tensor, float]:
    """`shift`, then noise of a level that the network knows: it trusts the direction less."""
    return context.shifted(e), context.options.text_noise if level is None else level


def knn(
    context: BridgeContext, e: Tensor, level: float | None, generators: Generators
) -> tuple[Tensor, float]:
    """`shift` mixed with the nearest training pictures (kNN-Diffusion, Sheynin et al. 2022)."""
    options = context.options
    if options.knn_k < 4:
        raise UsageError(
            f"conditioning.knn_k = {options.knn_k} is below 4",
            "so few neighbours copy single training pictures",
            "choose 4 or more",
            param="conditioning.knn_k",
        )
    cosines, rows = context.neighbours(e, options.knn_k)
    weights = (cosines / options.knn_tau).softmax(1)  # (n, k)
    near = context.images(context.bank[rows].float().flatten(0, 1))[:, :-1]
    near = (weights[..., None] * near.view(*rows.shape, -1)).sum(1)  # (n, dim)
    c = options.knn_beta * context.shifted(e) + (1 - options.knn_beta) * near
    return F.normalize(c, dim=1) * math.sqrt(context.dim), 0.0


def prior(
    context: BridgeContext, e: Tensor, level: float | None, generators: Generators
) -> tuple[Tensor, float]:
    """A picture by lot among those that a regression on pairs expects of the text.

    The regression's mean alone would be shorter than any picture (`prior.py`), and each prompt
    would have one picture; a truncated lot leaves out the rare ones.
    """
    if context.prior is None:
        raise UsageError(
            "this model was packed without a prior",
            "it was trained before there was one, or had nothing to fit it on",
            "choose another bridge: --bridge shift",
            param="bridge",
        )
    drawn = context.prior.draw(e, generators, context.options.prior_truncation)
    return context.images(drawn)[:, :-1], 0.0


BRIDGES: Registry[Bridge] = Registry(
    "bridge", {"identity": identity, "shift": shift, "noise": noise, "knn": knn, "prior": prior}
)
