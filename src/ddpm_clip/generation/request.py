"""One picture: what is asked for, how its walk differs from the plain one, what came of it."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from torch import Tensor

from ddpm_clip.diffusion.samplers import Walker
from ddpm_clip.embedders.prompts import checked_prompts
from ddpm_clip.generation.settings import Settings
from ddpm_clip.types import Predict

CONDITION_KEY = 0x5DEECE66D
"""Turns a picture's seed into that of its condition's noise, or the two would be tied."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One picture to be painted.

    Attributes:
        prompt: what it shall show; or the name of what it is made of, which is no such text.
        index: within what is painted together.
        seed: of its noise.
        guidance: scale s.
        facts: what its file records beside the settings.
        has_words: whether the prompt is a text that a CLIP may guide by.
    """

    prompt: str
    index: int
    seed: int
    guidance: float
    facts: dict[str, Any] = field(default_factory=dict, hash=False)
    has_words: bool = True


Conditions = Callable[[Sequence[GenerationRequest]], Tensor]
"""(n, e) one condition a request, where they come from elsewhere than the prompts."""


@dataclass(frozen=True, slots=True, eq=False)
class SamplingOverrides:
    """How painting differs from the plain walk from noise under a prompt.

    Attributes:
        x_start: requests of a batch -> (n, c, h, w) to start from.
        timesteps: that are visited; none at all give `x_start` back.
        wrap: changes `predict`, as in `DDPM.walk`.
        sampler: takes the place of the settings'.
        conditions: take the place of the prompts'.
    """

    x_start: Callable[[Sequence[GenerationRequest]], Tensor] | None = None
    timesteps: Sequence[float] | None = None
    wrap: Callable[[Predict], Predict] | None = None
    sampler: Walker | None = None
    conditions: Conditions | None = None

    def then(self, other: "SamplingOverrides") -> "SamplingOverrides":
        """Both; where they contradict, the other one, and of two wraps its own is the outer."""
        inner, outer = self.wrap, other.wrap
        both = (lambda predict: outer(inner(predict))) if inner and outer else outer or inner
        return SamplingOverrides(
            other.x_start or self.x_start,
            self.timesteps if other.timesteps is None else other.timesteps,
            both,
            other.sampler or self.sampler,
            other.conditions or self.conditions,
        )


PLAIN = SamplingOverrides()


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A finished picture, its request, and all of its batch that its last bits may depend on.

    Attributes:
        image: grey or RGB.
        request: what was asked.
        batch: number of its batch.
        position: in its batch.
        size: pictures in its batch.
        scales: lowest and highest guidance in its batch: they decide which branches are asked.
        frames: (steps, c, h, w) uint8, x_0 as it emerged, where it was kept.
    """

    image: Image.Image
    request: GenerationRequest
    batch: int
    position: int
    size: int
    scales: tuple[float, float]
    frames: Tensor | None = None


def requests_for(
    prompts: str | Sequence[str] | None, settings: Settings, facts: dict[str, Any] | None = None
) -> list[GenerationRequest]:
    """Prompt by prompt, scale by scale, seed by seed; prompts are judged here, and nowhere after.

    Args:
        prompts: one, several or None; not looked at where `settings.wordless`, and none needed
            where `settings.unconditional`.
        settings: how many of each, from which seed, with which scales.
        facts: what each file records beside the settings.

    Raises:
        UsageError: a prompt that is none, or none at all where one is needed.
    """
    if settings.wordless or (settings.unconditional and not prompts):
        return requests_named("(unconditional)", settings, facts)
    asked = checked_prompts(() if prompts is None else prompts)
    return _requests(asked, settings, facts, has_words=True)


def requests_named(
    name: str, settings: Settings, facts: dict[str, Any] | None = None
) -> list[GenerationRequest]:
    """Scale by scale, seed by seed; the prompt is only a name for what the pictures are made of."""
    return _requests([name], settings, facts, has_words=False)


def _requests(
    prompts: Sequence[str], settings: Settings, facts: dict[str, Any] | None, has_words: bool
) -> list[GenerationRequest]:
    """The index counts within the whole."""
    rows = itertools.product(prompts, settings.guidance, settings.seeds())
    return [
        GenerationRequest(prompt, i, seed, scale, facts or {}, has_words)
        for i, (prompt, scale, seed) in enumerate(rows)
    ]


def placed(
    image: Image.Image,
    batch: Sequence[GenerationRequest],
    number: int,
    at: int,
    frames: Tensor | None = None,
) -> Painted:
    """Picture `at` of batch `number`, with what its file says of that batch."""
    scales = [request.guidance for request in batch]
    return Painted(image, batch[at], number, at, len(batch), (min(scales), max(scales)), frames)


def guidable(requests: Sequence[GenerationRequest]) -> bool:
    """Has every request words that a CLIP could guide by?"""
    return all(request.has_words for request in requests)
