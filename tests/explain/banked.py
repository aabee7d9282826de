"""The planted mixture behind a conditioner with a bank, so that neighbours steer it and are known.

Row i of the bank is a picture of class i mod 10, near the axis of that class; the text of a class
is the axis itself.
"""

import torch
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import BridgeOptions, Conditioner
from ddpm_clip.explain.target.planted import meant, planted_target

ROWS = 200

OPTIONS = BridgeOptions("knn", knn_k=6, knn_beta=0.3)
"""More neighbours than words: with those of another class the picture is of that class."""


def pictures_of_classes(seed=0):
    """(200, 10) unit embeddings."""
    generator = torch.Generator().manual_seed(seed)
    axes = torch.eye(10)[torch.arange(ROWS) % 10]
    return F.normalize(axes + 0.05 * torch.randn(ROWS, 10, generator=generator), dim=1)


def conditioner_of(options=None):
    """Fitted on those pictures and the ten texts."""
    keys = [f"picture {i}" for i in range(ROWS)]
    return Conditioner.fit(
        pictures_of_classes(), torch.eye(10), keys=keys, options=options or OPTIONS
    )


def banked(prompt="a two", conditioner=None, **options):
    """A target whose conditions go through the bank; 1 for the asked class, as the mixture's."""
    own = conditioner_of() if conditioner is None else conditioner

    def conditioning(prompts, seeds):
        e = torch.stack([meant(text) for text in prompts])
        return own.texts(e)[:, :10] / 10**0.5

    return planted_target(prompt, **options).replace(conditioning=conditioning, conditioner=own)
