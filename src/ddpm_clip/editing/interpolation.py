"""Interpolate between two ideas: conditions along an arc, all with the same noise."""

from collections.abc import Generator, Sequence
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.config.limits import checked_frames
from ddpm_clip.editing.arcs import between
from ddpm_clip.editing.edit import Edit, Facts, Sources
from ddpm_clip.editing.ideas import Idea, check_ideas, conditions_of, ideas_again, name_of
from ddpm_clip.editing.pictures import Picture
from ddpm_clip.errors import UsageError
from ddpm_clip.generation.request import GenerationRequest, Painted, SamplingOverrides
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.types import Progress


def interpolate(
    tti: TextToImage, a: Idea, b: Idea, settings: Settings, *, frames: int = 9
) -> Generator[Progress, None, list[Painted]]:
    """Paint `frames` pictures from a to b, for each scale and each seed.

    The first and the last are the plain pictures of a and b with that seed.

    Args:
        tti: The model.
        a: A prompt, or a picture from `open_picture`.
        b: The other end, likewise.
        settings: From `tti.settings`.
        frames: Number of pictures, at least 2, both ends included.

    Raises:
        UsageError: `frames` is out of range, the ends are opposite in the condition space, or an
            end is a picture and the embedder cannot embed pictures.
    """
    frames = checked_frames(frames)
    last = frames - 1
    rows = [
        (_name(a, b, i / last), seed, scale, _facts(a, b, i / last))
        for scale in settings.guidance
        for seed in settings.seeds()
        for i in range(frames)
    ]
    requests = [
        GenerationRequest(prompt, i, seed, scale, facts, has_words=False)
        for i, (prompt, seed, scale, facts) in enumerate(rows)
    ]
    return tti.paint_requests(requests, settings, overrides=_on_the_way(tti, a, b, settings))


def _on_the_way(tti: TextToImage, a: Idea, b: Idea, settings: Settings) -> SamplingOverrides:
    """Interpolate the condition of each request by the `share` in its facts."""
    dim = tti.model.conditioner.dim

    def conditions(requests: Sequence[GenerationRequest]) -> Tensor:
        seeds = [request.seed for request in requests]
        ends = [conditions_of(tti, end, settings, seeds) for end in (a, b)]
        return torch.stack(
            [
                between(c_a, c_b, request.facts["share"], dim)
                for c_a, c_b, request in zip(*ends, requests, strict=True)
            ]
        )

    return SamplingOverrides(conditions=conditions)


def _name(a: Idea, b: Idea, share: float) -> str:
    """Return the name of a frame; at the ends, that of the idea itself."""
    ends = name_of(a), name_of(b)
    return ends[int(share)] if share in (0, 1) else f"{ends[0]} → {ends[1]} ({share:.3g})"


def _facts(a: Idea, b: Idea, share: float) -> dict[str, Any]:
    digests = [end.digest if isinstance(end, Picture) else None for end in (a, b)]
    return {
        "mode": "interpolate",
        "from": name_of(a),
        "to": name_of(b),
        "share": share,
        "source_digests": digests,
    }


def _again(
    tti: TextToImage, settings: Settings, facts: Facts, sources: Sources
) -> SamplingOverrides:
    a, b = ideas_again([facts["from"], facts["to"]], facts["source_digests"], sources)
    return _on_the_way(tti, a, b, settings)


def _check(facts: Facts) -> None:
    if not 0 <= facts["share"] <= 1:
        raise UsageError(f"share = {str(facts['share'])[:20]} is out of range")
    check_ideas([facts["from"], facts["to"]], facts["source_digests"])


INTERPOLATE = Edit(
    facts={"from": str, "to": str, "share": int | float, "source_digests": list},
    overrides=_again,
    check=_check,
    has_prompt=False,
)
