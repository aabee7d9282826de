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
"""Requests of a batch -> their conditions (n, e), where these do not come from the prompts."""


@dataclass(frozen=True, slots=True, eq=False)
class SamplingOverrides:
    """How sampling differs from a plain walk from noise under a prompt; None changes nothing.

    Attributes:
        x_start: Requests of a batch -> (n, c, h, w) to start from instead of noise.
        timesteps: Timesteps to visit; if empty, `x_start` is the result.
        wrap: Changes `predict`, as in `DDPM.walk`.
        sampler: Replaces the sampler of the settings.
        conditions: Replaces the conditions of the prompts.
    """

    x_start: Callable[[Sequence[GenerationRequest]], Tensor] | None = None
    timesteps: Sequence[float] | None = None
    wrap: Callable[[Predict], Predict] | None = None
    sampler: Walker | None = None
    conditions: Conditions | None = None

    def then(self, other: "SamplingOverrides") -> "SamplingOverrides":
        """Combine both; the other takes precedence, and its wrap is the outer one."""
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
    """One request a picture: by prompt, then scale, then seed. Prompts are validated only here.

    Args:
        prompts: One, several or None; ignored if `settings.wordless`, optional if
            `settings.unconditional`.
        settings: How many pictures per prompt, from which seed, with which scales.
        facts: What each file records beside the settings.

    Raises:
        UsageError: A prompt is invalid, or there is none where one is needed.
    """
    if settings.wordless or (settings.unconditional and not prompts):
        return requests_named("(unconditional)", settings, facts)
    asked = checked_prompts(() if prompts is None else prompts)
    return _requests(asked, settings, facts, has_words=True)


def requests_named(
    name: str, settings: Settings, facts: dict[str, Any] | None = None
) -> list[GenerationRequest]:
    """One request a picture, whose prompt only names what it is made from."""
    return _requests([name], settings, facts, has_words=False)


def _requests(
    prompts: Sequence[str], settings: Settings, facts: dict[str, Any] | None, has_words: bool
) -> list[GenerationRequest]:
    """By prompt, then scale, then seed; the index counts through all of them."""
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
