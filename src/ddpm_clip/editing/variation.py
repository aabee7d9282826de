"""Embeddings of pictures as conditions: `vary` and `sample`.

`vary` takes that of a given picture (unCLIP, Ramesh et al. 2022): what the embedding captures
stays, everything else is new. `sample` draws them from those that the model learned from (RCG, Li
et al. 2024): new pictures of the same kind, without any words.
"""

from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from ddpm_clip.config.limits import checked_strength, plain
from ddpm_clip.editing.edit import OF_A_PICTURE, Edit, Facts, Sources
from ddpm_clip.editing.ideas import noised_conditions
from ddpm_clip.editing.pictures import Picture
from ddpm_clip.generation.request import (
    GenerationRequest,
    Painted,
    SamplingOverrides,
    requests_named,
)
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import CONDITION_KEY, TextToImage
from ddpm_clip.types import Progress


def vary(
    tti: TextToImage, picture: Picture, settings: Settings, *, strength: float = 0.0
) -> Generator[Progress, None, list[Painted]]:
    """Paint `settings.n` variations of a picture per scale.

    Args:
        tti: The model.
        picture: From `open_picture`.
        settings: From `tti.settings`; the bridge affects only a negative prompt.
        strength: Noise level of the condition as a share of the strongest noise that the model was
            trained with, in [0, 1]. 0 is the embedding itself.

    Raises:
        UsageError: The strength is out of range or not supported by this model, or the embedder
            cannot embed pictures.
    """
    strength = plain(strength)
    level = checked_strength(strength) * tti.model.config.conditioning.noise_max
    facts = {"mode": "vary", **picture.facts(), "strength": strength, "condition_noise": level}
    requests = requests_named(f"(variation of {picture.name})", settings, facts)
    return tti.paint_requests(requests, settings, overrides=_seen(tti, picture, level))


def _seen(tti: TextToImage, picture: Picture, level: float) -> SamplingOverrides:
    """Use the picture's embedding, noised to `level`, as the condition of every request."""

    def conditions(requests: Sequence[GenerationRequest]) -> Tensor:
        return noised_conditions(tti, picture, level, [request.seed for request in requests])

    return SamplingOverrides(conditions=conditions)


def sample(tti: TextToImage, settings: Settings) -> Generator[Progress, None, list[Painted]]:
    """Paint `settings.n` pictures per scale, each like some of those the model learned from.

    Args:
        tti: The model.
        settings: From `tti.settings`; the bridge affects only a negative prompt. A guidance scale
            near 1 varies more, a high one keeps to what is common.

    Raises:
        DataError: The model was packed without the embeddings of its pictures.
    """
    requests = requests_named("(sample)", settings, {"mode": "sample"})
    return tti.paint_requests(requests, settings, overrides=_drawn(tti))


def _drawn(tti: TextToImage) -> SamplingOverrides:
    """Draw the condition of each request by its seed."""

    def conditions(requests: Sequence[GenerationRequest]) -> Tensor:
        return tti.model.conditioner.samples(
            [torch.Generator().manual_seed(request.seed ^ CONDITION_KEY) for request in requests]
        )

    return SamplingOverrides(conditions=conditions)


def _again(
    tti: TextToImage, settings: Settings, facts: Facts, sources: Sources
) -> SamplingOverrides:
    picture = sources.find(facts["source"], facts["source_digest"])
    return _seen(tti, picture, facts["strength"] * tti.model.config.conditioning.noise_max)


VARY = Edit(
    facts=OF_A_PICTURE | {"strength": int | float, "condition_noise": int | float},
    overrides=_again,
    check=lambda facts: checked_strength(facts["strength"]),
    has_prompt=False,
)

SAMPLE = Edit(
    facts={},
    overrides=lambda tti, settings, facts, sources: _drawn(tti),
    check=lambda facts: None,
    has_prompt=False,
)
