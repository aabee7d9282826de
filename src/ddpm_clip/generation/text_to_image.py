"""Text to image: prompts -> embeddings -> conditions -> sampling -> pictures.

A picture depends on the model, its prompt, its seed and the settings, but not on what else is
painted in the same batch. Files are written elsewhere (`generation/files.py`).
"""

import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from copy import copy
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor

from ddpm_clip.coverage.prompt_coverage import PromptCoverage
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.errors import DdpmClipWarning
from ddpm_clip.generation.batches import check_together, painted_batch
from ddpm_clip.generation.clip_guide import ClipGuide
from ddpm_clip.generation.destination import Destination, InMemory
from ddpm_clip.generation.few_call import checked_few_call
from ddpm_clip.generation.request import (
    CONDITION_KEY,
    PLAIN,
    GenerationRequest,
    Painted,
    SamplingOverrides,
    guidable,
    requests_for,
)
from ddpm_clip.generation.settings import Settings, settings_of
from ddpm_clip.moved import former_method
from ddpm_clip.runs.pretrained import LoadedModel, load
from ddpm_clip.types import Denoiser, Progress, Step
from ddpm_clip.utils.generators import finish


class TextToImage:
    """A model that paints from words.

    >>> pictures = TextToImage.from_pretrained("digits")("a six", n=4, seed=0)  # doctest: +SKIP
    """

    paint_wishes = former_method("paint_wishes", "paint_requests")

    def __init__(self, model: LoadedModel):
        self.model = model
        self._texts = TextEmbeddings(
            lambda texts: self.model.embedder.embed_texts(texts), alone=True
        )
        self.prompt_coverage = PromptCoverage(model)
        self._guides: dict[str | None, ClipGuide] = {}
        self.destination: Destination = InMemory()
        self._watch: Callable[[Iterable[Step]], Iterable[Step]] = iter

    @classmethod
    def from_pretrained(cls, name: str, device: str = "auto") -> "TextToImage":
        """Open a shipped model, a run, or a packed model's folder."""
        return cls(load(name, device))

    def writing_to(self, destination: Destination) -> "TextToImage":
        """Return the same painter, which passes each finished batch to a destination."""
        other = copy(self)
        other.destination = destination
        return other

    def watched_by(self, watch: Callable[[Iterable[Step]], Iterable[Step]]) -> "TextToImage":
        """Return the same painter, whose sampling steps pass through `watch`, batch by batch."""
        other = copy(self)
        other._watch = watch
        return other

    def __call__(
        self, prompts: str | Sequence[str], n: int = 1, seed: int = 0, **overrides: Any
    ) -> list[Image.Image]:
        """Paint and return `n` pictures for each prompt, prompt by prompt.

        Each picture has its seed in `info["seed"]`, also if `seed=-1` chose it at random. Warns of
        prompts that the model's pictures do not cover. `overrides` are fields of `Settings`.
        """
        settings = self.settings(n=n, seed=seed, **overrides)
        requests = requests_for(prompts, settings)
        self.warn(requests, settings)
        painted = finish(self.paint_requests(requests, settings))
        for one in painted:
            one.image.info["seed"] = one.request.seed
        return [one.image for one in painted]

    def warn(self, requests: Sequence[GenerationRequest], settings: Settings) -> None:
        """Warn of each prompt that the model's pictures do not cover, and of limited guidance."""
        if not guidable(requests):
            return
        self.prompt_coverage.warn([request.prompt for request in requests])
        prompts = list(dict.fromkeys(request.prompt for request in requests))
        limits, asked = self.guidance_limits(prompts, settings), max(settings.guidance)
        if not settings.unconditional and limits.min() < asked:
            warnings.warn(
                f"guidance {asked:g} acts like {limits.min():.2g} on {prompts[limits.argmin()]!r}: "
                "more would lead out of what the pictures are like (bounded=False lifts the limit)",
                DdpmClipWarning,
                stacklevel=3,
            )

    def settings(self, **overrides: Any) -> Settings:
        """Return the model's own settings with some replaced, validated.

        Raises:
            UsageError: A value is invalid, `steps` is above T, or the size is not the model's.
        """
        _, height, width = self.model.image_shape
        config, size = self.model.config, f"{width}x{height}"
        settings = settings_of(config.generation, self.model.ddpm.T, size, **overrides)
        return checked_few_call(config, settings, overrides)

    def conditions(
        self, prompts: Sequence[str], settings: Settings, seeds: Sequence[int]
    ) -> Tensor:
        """Return (n, e) conditions, one per prompt and seed."""
        return self._trusted(prompts, settings, seeds)[0].to(self.model.device)

    def guidance_limits(
        self, prompts: Sequence[str], settings: Settings, seeds: Sequence[int] | None = None
    ) -> Tensor:
        """Return the largest guidance scale (n,) that acts on each prompt; see `Cloud`.

        It is infinite if `settings.bounded` is off, and for class labels, which no text leaves.
        `seeds` are one per prompt; None takes that of the settings for all.
        """
        trust = torch.ones(len(prompts))
        if settings.bounded and not self._free:
            seeds = [settings.seed] * len(prompts) if seeds is None else seeds
            trust = self._trusted(prompts, settings, seeds)[1]
        return self._limits(trust, settings)

    def _trusted(
        self, prompts: Sequence[str], settings: Settings, seeds: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        generators = [torch.Generator().manual_seed(seed ^ CONDITION_KEY) for seed in seeds]
        return self.model.conditioner.trusted_texts(
            self._texts(prompts), settings.bridge, generators=generators, bounded=settings.bounded
        )

    @property
    def _free(self) -> bool:
        return self.model.conditioner.mode == "raw" or self.model.config.embedder.name == "labels"

    def _limits(self, trust: Tensor, settings: Settings) -> Tensor:
        if self._free or not settings.bounded:
            return torch.full_like(trust, torch.inf)
        return self.model.conditioner.cloud.guidance_limit(trust)

    def walk(
        self, prompts: str | Sequence[str], n: int = 1, seed: int = 0, **overrides: Any
    ) -> Iterator[Step]:
        """Iterate over the sampling steps of one batch, for GIFs, analysis and live views."""
        settings = self.settings(n=n, seed=seed, **overrides)
        return self._walk(requests_for(prompts, settings), settings)

    def paint(
        self, prompts: str | Sequence[str], settings: Settings, *, keep_frames: bool = False
    ) -> Generator[Progress, None, list[Painted]]:
        """Paint `n` pictures per prompt and scale; yields `Progress` in sampling steps.

        Args:
            prompts: As for `requests_for`.
            settings: From `settings`.
            keep_frames: Whether to keep the predicted x_0 of each step, for GIFs.

        Raises:
            NonFiniteError: A picture has NaN or infinite values.
        """
        requests = requests_for(prompts, settings)
        return self.paint_requests(requests, settings, keep_frames=keep_frames)

    def paint_requests(
        self,
        requests: Sequence[GenerationRequest],
        settings: Settings,
        *,
        overrides: SamplingOverrides = PLAIN,
        keep_frames: bool = False,
    ) -> Generator[Progress, None, list[Painted]]:
        """Paint every request, batch by batch, with its own prompt, seed and scale.

        The destination (`writing_to`) gets each finished batch; one that it has is not painted.
        Warns if a CLIP should guide, but the requests have no words that it could guide by.

        Args:
            requests: One per picture; `settings.n`, `seed` and `guidance` are ignored.
            settings: From `settings`.
            overrides: How the sampling of each batch differs from plain sampling.
            keep_frames: Whether to keep the predicted x_0 of each step, for GIFs.

        Raises:
            UsageError: Conditions are given, but the model paints without any.
            NonFiniteError: A picture has NaN or infinite values.
        """
        check_together(requests, settings, overrides, self.model.name)
        size = settings.batch
        batches = [requests[i : i + size] for i in range(0, len(requests), size)]
        steps = settings.steps if overrides.timesteps is None else len(overrides.timesteps)
        total, painted = steps * len(batches), list[Painted]()
        self.destination.begin(requests)
        for number, batch in enumerate(batches):
            known = None if keep_frames else self.destination.found(batch, number)
            if known is not None:
                yield Progress("paint", (number + 1) * steps, total)
            else:
                walk = self._walk(batch, settings, overrides) if steps else ()
                at = number * steps, total
                work = painted_batch(self._watch(walk), batch, number, overrides, at, keep_frames)
                known = self.destination.keep((yield from work))
            painted += known
        return painted

    def paint_all(self, prompts: str | Sequence[str], settings: Settings) -> list[Painted]:
        """Run `paint` to its end."""
        return finish(self.paint(prompts, settings))

    def _walk(
        self,
        requests: Sequence[GenerationRequest],
        settings: Settings,
        overrides: SamplingOverrides = PLAIN,
    ) -> Iterator[Step]:
        seeds = [request.seed for request in requests]
        how = self._guided(requests, settings).then(overrides)
        model, scale = self.model, torch.tensor([request.guidance for request in requests])
        c_neg: Tensor | None = None
        trust = torch.ones(len(requests))
        if settings.unconditional:
            c, scale = torch.zeros(len(requests), model.conditioner.width), 0 * scale
        elif how.conditions is not None:
            c = how.conditions(requests)
        else:
            c, trust = self._trusted([request.prompt for request in requests], settings, seeds)
        if settings.negative is not None:
            c_neg = self.conditions([settings.negative] * len(requests), settings, seeds)
        return model.ddpm.walk(
            cast(Denoiser, model.network),
            c.to(model.device),
            scale=torch.minimum(scale, self._limits(trust, settings)),
            c_neg=c_neg,
            interval=settings.interval,
            clamp=settings.clamp,
            rescale=settings.rescale,
            sampler=how.sampler or settings.sampler,
            steps=settings.steps,
            seeds=seeds,
            x_start=None if how.x_start is None else how.x_start(requests),
            timesteps=how.timesteps,
            wrap=how.wrap,
        )

    def _guided(
        self, requests: Sequence[GenerationRequest], settings: Settings
    ) -> SamplingOverrides:
        """Return the overrides of CLIP guidance, if it is on and the requests have words."""
        if settings.clip_guidance == 0 or not guidable(requests):
            return PLAIN
        prompts = [request.prompt for request in requests]
        seeds = [request.seed for request in requests]
        guide, schedule = self.guide(settings.clip_guide), self.model.ddpm.schedule
        return guide.overrides(prompts, seeds, schedule, settings)

    def add_guide(self, name: str, guide: ClipGuide) -> None:
        """Make `clip_guide=name` mean this guide."""
        self._guides[name] = guide

    def guide(self, name: str | None = None) -> ClipGuide:
        """Return the CLIP of another model as a guide, or for None the model's own; opened once."""
        if name not in self._guides:
            model = self.model if name is None else load(name, str(self.model.device))
            self._guides[name] = ClipGuide.of(model)
        return self._guides[name]
