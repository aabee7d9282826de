"""Bridges: maps that carry text embeddings to where image embeddings lie.

CLIP embeds pictures and words into one space, but as two separate clouds: the modality gap (Liang
et al. 2022). A network that was trained on image embeddings needs its text embeddings moved across
it. Each bridge here takes unit text embeddings to the coordinates of a condition.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.nearest import Bank, resample
from ddpm_clip.conditioning.prior import Prior
from ddpm_clip.errors import UsageError
from ddpm_clip.registry import Registry


@dataclass(frozen=True, slots=True)
class BridgeOptions:
    """Settings of the bridges."""

    bridge: str = "shift"  # default bridge of the run, a name in `BRIDGES`
    text_noise: float = 0.4  # noise level of the `noise` bridge, in [0, 1]
    knn_k: int = 10  # number of neighbours, at least 4
    knn_tau: float = 0.05  # softmax temperature of their cosines
    knn_beta: float = 0.5  # weight of the shifted text against the neighbours, in [0, 1]
    prior_truncation: float = 0.7  # truncation of the draws, in [0, 1]
    noise_max: float = 0.8  # largest noise level that the network was trained on


class BridgeContext(Protocol):
    """What a bridge may use of a conditioner."""

    options: BridgeOptions
    bank: Tensor
    prior: Prior | None

    @property
    def dim(self) -> int:
        """e, the size of the embedding."""
        ...

    def images(self, e: Tensor) -> Tensor:
        """Return conditions (n, dim + 1) of image embeddings (n, dim); last is the noise level."""
        ...

    def shifted(self, e: Tensor) -> Tensor:
        """Return text embeddings (n, dim), shifted and scaled to the cloud of the images."""
        ...

    def neighbours(self, e: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Return (cosines (n, k), row numbers in the bank (n, k)), nearest first."""
        ...

    @property
    def search(self) -> Bank:
        """The bank, centred, to search for neighbours."""
        ...


Generators = Sequence[torch.Generator]
"""One random generator per row, so that a row does not depend on the rest of its batch."""

Bridge = Callable[[BridgeContext, Tensor, float | None, Generators], tuple[Tensor, float]]
"""(conditioner, unit text embeddings (n, e), requested noise level or None, generators)
-> (conditions (n, dim), noise level)."""


def identity(
    context: BridgeContext, e: Tensor, level: float | None, generators: Generators
) -> tuple[Tensor, float]:
    """Treat text embeddings as image embeddings, ignoring the gap: the baseline."""
    return context.images(e)[:, :-1], 0.0


def shift(
    context: BridgeContext, e: Tensor, level: float | None, generators: Generators
) -> tuple[Tensor, float]:
    """Centre each modality at its own mean (C3, Zhang et al. 2024)."""
    return context.shifted(e), 0.0


def noise(
    context: BridgeContext, e: Tensor, level: float | None, generators: Generators
) -> tuple[Tensor, float]:
    """`shift`, then add noise at a level that the network is told, so it trusts the text less."""
    return context.shifted(e), context.options.text_noise if level is None else level


def knn(
    context: BridgeContext, e: Tensor, level: float | None, generators: Generators
) -> tuple[Tensor, float]:
    """Mix `shift` with the nearest training pictures (kNN-Diffusion, Sheynin et al. 2022)."""
    options = context.options
    if options.knn_k < 4:
        raise UsageError(
            f"conditioning.knn_k = {options.knn_k} is below 4",
            "with so few neighbours, single training pictures are copied",
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
    """Draw an image embedding from the prior P(image embedding | text embedding).

    The mean of the prior would be shorter than any image embedding (`prior.py`) and always the same
    for a prompt; truncated draws leave out rare pictures.
    """
    if context.prior is None:
        raise UsageError(
            "this model was packed without a prior",
            "it was trained by an earlier version, or had no captions to fit a prior on",
            "choose another bridge: --bridge shift",
            param="bridge",
        )
    drawn = context.prior.draw(e, generators, context.options.prior_truncation)
    return context.images(drawn)[:, :-1], 0.0


BRIDGES: Registry[Bridge] = Registry(
    "bridge", {one.__name__: one for one in (identity, shift, noise, knn, prior, resample)}
)
