"""Vary a picture: its own embedding is the condition (unCLIP, Ramesh et al. 2022).

What the embedding captures of the picture stays, everything else is new.
"""

from collections.abc import Generator, Sequence

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
from ddpm_clip.generation.text_to_image import TextToImage
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
