"""Inpainting: repaint the masked part of a picture, and keep the rest bit-exactly."""

import math
from collections.abc import Generator

from torch import Tensor

from ddpm_clip.config.limits import checked_rounds
from ddpm_clip.diffusion.gradient_guidance import GradientGuidance, resampled
from ddpm_clip.diffusion.known_pixels import with_known_pixels
from ddpm_clip.diffusion.samplers import SAMPLERS, Walker
from ddpm_clip.editing.edit import OF_A_PICTURE, Edit, Facts, Sources
from ddpm_clip.editing.pictures import Picture, mask_digest
from ddpm_clip.generation.few_call import check_many_steps
from ddpm_clip.generation.request import Painted, SamplingOverrides, requests_for
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.types import Progress


def inpaint(
    tti: TextToImage,
    picture: Picture,
    paint: Tensor,
    prompt: str | None,
    settings: Settings,
    *,
    rounds: int = 5,
) -> Generator[Progress, None, list[Painted]]:
    """Repaint part of a picture, `settings.n` times per scale.

    Args:
        tti: The model.
        picture: From `open_picture`.
        paint: (1, h, w) bool from `open_mask`, True where to paint.
        prompt: What the picture should show; None if `settings.unconditional`.
        settings: From `tti.settings`.
        rounds: How often each sampling step is taken, with renoising in between (RePaint, Lugmayr
            et al. 2022). With a single pass the painted part often does not match the rest. The
            number of network calls grows in proportion.

    Raises:
        UsageError: There is no prompt, `rounds` is out of range, or it is a few-call model.
    """
    check_many_steps(tti.model.config, "inpaint")
    rounds = checked_rounds(rounds)
    share = round(paint.float().mean().item(), 4)
    facts = {
        "mode": "inpaint",
        **picture.facts(),
        "mask_digest": mask_digest(paint),
        "painted_share": share,
        "rounds": rounds,
    }
    requests = requests_for(prompt, settings, facts)
    overrides = _around(tti, picture, paint, settings.sampler, rounds)
    return tti.paint_requests(requests, settings, overrides=overrides)


def _around(
    tti: TextToImage, picture: Picture, paint: Tensor, sampler: str, rounds: int
) -> SamplingOverrides:
    """Restore the kept pixels at every step, and take each step `rounds` times."""
    device = tti.model.device
    kept = with_known_pixels(picture.x.to(device), paint.to(device), tti.model.ddpm.schedule)
    return SamplingOverrides(wrap=kept, sampler=repeating(SAMPLERS[sampler], rounds))


def repeating(walker: Walker, rounds: int) -> Walker:
    """Make a sampler take every step `rounds` times (Lugmayr et al. 2022, algorithm 1)."""
    return resampled(walker, GradientGuidance(1.0, (0.0, math.inf), rounds - 1))


def _again(
    tti: TextToImage, settings: Settings, facts: Facts, sources: Sources
) -> SamplingOverrides:
    picture = sources.find(facts["source"], facts["source_digest"])
    paint = sources.mask(picture, facts["mask_digest"])
    return _around(tti, picture, paint, settings.sampler, facts["rounds"])


INPAINT = Edit(
    facts=OF_A_PICTURE | {"mask_digest": str, "painted_share": int | float, "rounds": int},
    overrides=_again,
    check=lambda facts: checked_rounds(facts["rounds"]),
    has_prompt=True,
    many_steps=True,
)
