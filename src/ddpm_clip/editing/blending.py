"""Blend several prompts or pictures: the weighted sum of their conditions."""

from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from ddpm_clip.config.limits import checked_weights
from ddpm_clip.editing.arcs import blended
from ddpm_clip.editing.edit import Edit, Facts, Sources
from ddpm_clip.editing.ideas import Idea, check_ideas, conditions_of, ideas_again, name_of
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


def blend(
    tti: TextToImage, parts: Sequence[tuple[Idea, float]], settings: Settings
) -> Generator[Progress, None, list[Painted]]:
    """Paint `settings.n` pictures per scale of all parts together.

    Only the proportions of the weights matter: the sum is scaled to the typical length of its
    parts, so that it stays in the range the network was trained on. A negative weight steers away
    from its part.

    Args:
        tti: The model.
        parts: Prompts, or pictures from `open_picture`, each with its weight.
        settings: From `tti.settings`.

    Raises:
        UsageError: There are no parts, a weight is invalid, or the parts cancel out.
    """
    ideas = [idea for idea, _ in parts]
    weights = checked_weights([weight for _, weight in parts])
    names = [name_of(idea) for idea in ideas]
    digests = [idea.digest if isinstance(idea, Picture) else None for idea in ideas]
    facts = {"mode": "blend", "parts": names, "weights": weights, "source_digests": digests}
    name = " + ".join(f"{name}:{weight:g}" for name, weight in zip(names, weights, strict=True))
    requests = requests_named(name, settings, facts)
    overrides = _together(tti, ideas, weights, settings)
    return tti.paint_requests(requests, settings, overrides=overrides)


def _together(
    tti: TextToImage, ideas: Sequence[Idea], weights: Sequence[float], settings: Settings
) -> SamplingOverrides:
    """Use the weighted sum of several ideas as the condition of every request."""
    dim = tti.model.conditioner.dim

    def conditions(requests: Sequence[GenerationRequest]) -> Tensor:
        seeds = [request.seed for request in requests]
        rows = torch.stack([conditions_of(tti, idea, settings, seeds) for idea in ideas], 1)
        return torch.stack([blended(row, weights, dim) for row in rows])  # of (n, parts, width)

    return SamplingOverrides(conditions=conditions)


def _again(
    tti: TextToImage, settings: Settings, facts: Facts, sources: Sources
) -> SamplingOverrides:
    ideas = ideas_again(facts["parts"], facts["source_digests"], sources)
    return _together(tti, ideas, facts["weights"], settings)


def _check(facts: Facts) -> None:
    checked_weights(facts["weights"])
    check_ideas(facts["parts"], facts["source_digests"], facts["weights"])


BLEND = Edit(
    facts={"parts": list, "weights": list, "source_digests": list},
    overrides=_again,
    check=_check,
    has_prompt=False,
)
