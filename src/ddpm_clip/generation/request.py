"""A requested picture, how its sampling may differ from plain sampling, and the result."""

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
"""XORed with a picture's seed, so that the noise of its condition is independent of its own."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One picture to be painted.

    Attributes:
        prompt: What it should show; or, for some edits, only a name for what it is made from.
        index: Its position among all pictures painted together.
        seed: Random seed of its noise.
        guidance: Guidance scale s.
        facts: What its file records beside the settings.
        has_words: Whether `prompt` is a text that a CLIP can guide by, and not only a name.
    """

    prompt: str
    index: int
    seed: int
    guidance: float
    facts: dict[str, Any] = field(default_factory=dict, hash=False)
    has_words: bool = True


Conditions = Callable[[Sequence[GenerationRequest]], Tensor]
"""Maps the requests of a batch to conditions (n, e), in place of those of the prompts."""


@dataclass(frozen=True, slots=True, eq=False)
class SamplingOverrides:
    """How sampling differs from plain sampling from noise with a prompt; None changes nothing.

    Attributes:
        x_start: Maps the requests of a batch to (n, c, h, w) to start from instead of noise.
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
    """A finished picture, its request, and those facts of its batch that its last bits depend on.

    Attributes:
        image: The picture, grey or RGB.
        request: What was requested.
        batch: Number of its batch.
        position: Its position in the batch.
        size: Number of pictures in its batch.
        scales: Lowest and highest guidance scale in its batch: they decide whether the conditional,
            the unconditional or both predictions are computed.
        frames: (steps, c, h, w) uint8, the predicted x_0 at each step, if it was kept.
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
    """Make the requests, by prompt, then scale, then seed. Prompts are validated only here.

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
    """Make requests whose prompt only names what the pictures are made from."""
    return _requests([name], settings, facts, has_words=False)


def _requests(
    prompts: Sequence[str], settings: Settings, facts: dict[str, Any] | None, has_words: bool
) -> list[GenerationRequest]:
    """Make the requests, by prompt, then scale, then seed, numbered through."""
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
    """Return picture `at` of batch `number` with the facts of that batch."""
    scales = [request.guidance for request in batch]
    return Painted(image, batch[at], number, at, len(batch), (min(scales), max(scales)), frames)


def guidable(requests: Sequence[GenerationRequest]) -> bool:
    """Whether every request has words that a CLIP can guide by."""
    return all(request.has_words for request in requests)
