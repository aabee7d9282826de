"""A picture painted over: noised part of the way, then walked back under a prompt.

SDEdit (Meng et al. 2022). Knows nothing of files.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import replace

import torch

from ddpm_clip.config.limits import checked_strength
from ddpm_clip.editing.pictures import Picture
from ddpm_clip.generation.request import (
    GenerationRequest,
    OverridesOf,
    Painted,
    SamplingOverrides,
    placed,
    requests_for,
)
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.models.ddpm import noise_of
from ddpm_clip.types import Progress
from ddpm_clip.utils.tensors import to_picture


def img2img(
    tti: TextToImage,
    picture: Picture,
    prompt: str | None,
    settings: Settings,
    *,
    strength: float = 0.6,
) -> Generator[Progress, None, list[Painted]]:
    """Paint `settings.n` pictures a scale over a given one.

    Args:
        tti: the model.
        picture: from `open_picture`.
        prompt: what it shall become; None where `settings.unconditional`.
        settings: from `tti.settings`.
        strength: in [0, 1]: the share of the walk that is walked, from its end. 0 gives the
            picture back, 1 is plain painting, which has never seen it.

    Raises:
        UsageError: strength out of range, or no prompt.
    """
    timesteps = timesteps_left(tti.model.ddpm.grid(settings.steps), checked_strength(strength))
    whole = len(timesteps) == settings.steps
    facts = {"mode": "img2img", **picture.facts(), "strength": strength, "rungs": len(timesteps)}
    requests = requests_for(prompt, settings, facts)
    if not timesteps:
        return _as_it_is(picture, requests)
    settings = replace(settings, steps=len(timesteps))
    return tti.paint_requests(
        requests, settings, overrides=noised_to(tti, picture, timesteps, whole)
    )


def noised_to(
    tti: TextToImage, picture: Picture, timesteps: Sequence[float], whole: bool
) -> OverridesOf:
    """Start at the picture noised to the first timestep; in noise alone for a `whole` walk."""

    def overrides(requests: Sequence[GenerationRequest]) -> SamplingOverrides:
        if whole:
            return SamplingOverrides()
        model = tti.model
        noise = noise_of(
            [request.seed for request in requests], (len(requests), *picture.x.shape), model.device
        )  # the x_T of a walk with these seeds
        x_0 = picture.x.to(model.device).expand(len(requests), -1, -1, -1)
        x_start, _ = model.ddpm.q(
            x_0, torch.full((len(requests),), timesteps[0]).double(), noise(-1)
        )
        return SamplingOverrides(x_start, timesteps)

    return overrides


def timesteps_left(timesteps: Sequence[float], strength: float) -> list[float]:
    """The last `strength` of the timesteps of a walk, rounded up."""
    left = math.ceil(round(strength * len(timesteps), 9))  # 0.55 * 20 is 11, not 11.000000000000002
    return list(timesteps[len(timesteps) - left :])


def _as_it_is(
    picture: Picture, requests: Sequence[GenerationRequest]
) -> Generator[Progress, None, list[Painted]]:
    """No walk at all."""
    yield Progress("paint", len(requests), len(requests))
    return [placed(to_picture(picture.x), [request], i, 0) for i, request in enumerate(requests)]
