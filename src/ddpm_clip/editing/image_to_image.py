"""Paint over a picture: noise it part of the way, then denoise it with a prompt.

SDEdit (Meng et al. 2022).
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ddpm_clip.config.limits import checked_strength, plain
from ddpm_clip.editing.edit import OF_A_PICTURE, Edit, Facts, Sources
from ddpm_clip.editing.pictures import Picture
from ddpm_clip.generation.few_call import check_many_steps
from ddpm_clip.generation.request import (
    PLAIN,
    GenerationRequest,
    Painted,
    SamplingOverrides,
    requests_for,
)
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.models.ddpm import noise_of
from ddpm_clip.types import Progress


def img2img(
    tti: TextToImage,
    picture: Picture,
    prompt: str | None,
    settings: Settings,
    *,
    strength: float = 0.6,
) -> Generator[Progress, None, list[Painted]]:
    """Paint `settings.n` pictures per scale over a given one.

    Args:
        tti: The model.
        picture: From `open_picture`.
        prompt: What it should become; None if `settings.unconditional`.
        settings: From `tti.settings`.
        strength: The share of the sampling steps that is taken, counted from the last, in [0, 1].
            0 returns the picture, 1 is plain painting, which does not depend on it.

    Raises:
        UsageError: The strength is out of range, there is no prompt, or it is a few-call model.
    """
    check_many_steps(tti.model.config, "img2img")
    strength = plain(strength)
    timesteps = timesteps_left(tti.model.ddpm.grid(settings.steps), checked_strength(strength))
    facts = {"mode": "img2img", **picture.facts(), "strength": strength, "rungs": len(timesteps)}
    requests = requests_for(prompt, settings, facts)
    overrides = _noised(tti, picture, timesteps, len(timesteps) == settings.steps)
    if not timesteps:
        settings = replace(settings, batch=1)  # record each picture as a batch of its own
    return tti.paint_requests(requests, settings, overrides=overrides)


def _noised(
    tti: TextToImage, picture: Picture, timesteps: Sequence[float], whole: bool
) -> SamplingOverrides:
    """Start from the picture noised to the first timestep, or if `whole`, from pure noise."""
    if whole:
        return PLAIN
    model = tti.model

    def x_start(requests: Sequence[GenerationRequest]) -> Tensor:
        n = len(requests)
        x_0 = picture.x.to(model.device).expand(n, -1, -1, -1)
        if not timesteps:
            return x_0
        seeds = [request.seed for request in requests]
        noise = noise_of(
            seeds, x_0.shape, model.device
        )  # the x_T of plain sampling with these seeds
        return model.ddpm.q(x_0, torch.full((n,), timesteps[0]).double(), noise(-1))[0]

    return SamplingOverrides(x_start, timesteps)


def timesteps_left(timesteps: Sequence[float], strength: float) -> list[float]:
    """Return the last `strength` of the timesteps, their number rounded up."""
    left = math.ceil(round(strength * len(timesteps), 9))  # 0.55 * 20 is 11, not 11.000000000000002
    return list(timesteps[len(timesteps) - left :])


def _again(
    tti: TextToImage, settings: Settings, facts: Facts, sources: Sources
) -> SamplingOverrides:
    picture = sources.find(facts["source"], facts["source_digest"])
    timesteps = timesteps_left(tti.model.ddpm.grid(settings.steps), facts["strength"])
    return _noised(tti, picture, timesteps, len(timesteps) == settings.steps)


IMG2IMG = Edit(
    facts=OF_A_PICTURE | {"strength": int | float, "rungs": int},
    overrides=_again,
    check=lambda facts: checked_strength(facts["strength"]),
    has_prompt=True,
    many_steps=True,
)
