"""Text to image: prompts -> embeddings -> conditions -> sampling -> pictures.

A picture depends on the model, its prompt, its seed and the settings, but not on what else is
painted in the same batch. Files are written elsewhere (`generation/files.py`).
"""

import warnings
from collections.abc import Generator, Iterator, Sequence
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor

from ddpm_clip.coverage.prompt_coverage import PromptCoverage
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.errors import NonFiniteError, UsageError
from ddpm_clip.generation.clip_guide import ClipGuide
from ddpm_clip.generation.request import (
    CONDITION_KEY,
    PLAIN,
    GenerationRequest,
    Painted,
    SamplingOverrides,
    guidable,
    placed,
    requests_for,
)
from ddpm_clip.generation.settings import Settings, settings_of
from ddpm_clip.moved import former_method
from ddpm_clip.runs.pretrained import LoadedModel, load
from ddpm_clip.types import Denoiser, Progress, Step
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import to_picture, to_uint8


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

    @classmethod
    def from_pretrained(cls, name: str, device: str = "auto") -> "TextToImage":
        """Open a shipped model, a run, or a packed model's folder."""
        return cls(load(name, device))

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
                stacklevel=3,
            )

    def settings(self, **overrides: Any) -> Settings:
        """Return the model's own settings with some replaced, validated.

        Raises:
            UsageError: A value is invalid, `steps` is above T, or the size is not the model's.
        """
        _, height, width = self.model.image_shape
        own, T = self.model.config.generation, self.model.ddpm.T
        return settings_of(own, T, f"{width}x{height}", **overrides)

    def conditions(
        self, prompts: Sequence[str], settings: Settings, seeds: Sequence[int]
    ) -> Tensor:
        """Return (n, e) conditions, one per prompt and seed."""
        return self._trusted(prompts, settings, seeds)[0].to(self.model.device)

    def guidance_limits(self, prompts: Sequence[str], settings: Settings) -> Tensor:
        """Return the largest guidance scale (n,) that acts on each prompt; see `Cloud`.

        It is infinite if `settings.bounded` is off, and for class labels, which no text leaves.
        """
        seeds = [settings.seed] * len(prompts)
        return self._limits(self._trusted(prompts, settings, seeds)[1], settings)

    def _trusted(
        self, prompts: Sequence[str], settings: Settings, seeds: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        generators = [torch.Generator().manual_seed(seed ^ CONDITION_KEY) for seed in seeds]
        return self.model.conditioner.trusted_texts(
            self._texts(prompts), settings.bridge, generators=generators, bounded=settings.bounded
        )

    def _limits(self, trust: Tensor, settings: Settings) -> Tensor:
        free = self.model.conditioner.mode == "raw" or self.model.config.embedder.name == "labels"
        if free or not settings.bounded:
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
        return self.paint_requests(
            requests_for(prompts, settings), settings, keep_frames=keep_frames
        )

    def paint_requests(
        self,
        requests: Sequence[GenerationRequest],
        settings: Settings,
        *,
        overrides: SamplingOverrides = PLAIN,
        keep_frames: bool = False,
    ) -> Generator[Progress, None, list[Painted]]:
        """Paint every request, batch by batch, with its own prompt, seed and scale.

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
        if settings.unconditional and overrides.conditions is not None:
            raise UsageError(
                f"{self.model.name} paints without conditions",
                "it would ignore a picture or a mixture of prompts",
                "choose a model that was trained with conditions",
                param="unconditional",
            )
        if settings.clip_guidance > 0 and not guidable(requests):
            warnings.warn(
                f"clip_guidance = {settings.clip_guidance:g} is ignored: there are no "
                "words that a CLIP could guide by",
                stacklevel=2,
            )
        batches = [
            requests[i : i + settings.batch] for i in range(0, len(requests), settings.batch)
        ]
        steps = settings.steps if overrides.timesteps is None else len(overrides.timesteps)
        done, total, painted = 0, steps * len(batches), []
        for number, batch in enumerate(batches):
            frames, pictures = [], None
            for step in self._walk(batch, settings, overrides) if steps else ():
                done, pictures = done + 1, step.x_prev
                if keep_frames:
                    frames.append(to_uint8(step.pred.x_0).cpu())
                yield Progress("paint", done, total)
            if pictures is None:  # no steps: `x_start` is the result
                assert overrides.x_start is not None
                pictures = overrides.x_start(batch)
            if not pictures.isfinite().all():
                raise NonFiniteError(
                    "a picture has NaN or infinite values",
                    "the guidance may be too strong for this model",
                )
            strips = torch.stack(frames, 1) if frames else None
            painted += [
                placed(to_picture(x), batch, number, at, None if strips is None else strips[at])
                for at, x in enumerate(pictures)
            ]
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
