"""Words to pictures: prompts -> embeddings -> conditions -> walk -> pictures.

A picture follows from the model, its prompt, its seed and the settings; what else is painted in
the same batch does not enter. Knows nothing of files (`painting.py`) or commands.
"""

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor

from ddpm_clip.clip_guiding import ClipGuide
from ddpm_clip.coverage.asking import Adviser
from ddpm_clip.diffusion.samplers import Walker
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.errors import NonFiniteError, UsageError
from ddpm_clip.pretrained import LoadedModel, load
from ddpm_clip.settings import Settings, checked_prompts, settings_of
from ddpm_clip.types import Denoiser, Predict, Progress, Step
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import to_picture, to_uint8

CONDITION_KEY = 0x5DEECE66D
"""Turns a picture's seed into that of its condition's noise, or the two would be tied."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One picture to be painted.

    Attributes:
        prompt: what it shall show; or the name of what it is made of, which is no such text.
        index: within what is painted together.
        seed: of its noise.
        guidance: scale s.
        facts: what its file records beside the settings.
        worded: whether the prompt is a text that a CLIP may guide by.
    """

    prompt: str
    index: int
    seed: int
    guidance: float
    facts: dict[str, Any] = field(default_factory=dict, hash=False)
    worded: bool = True


Conditions = Callable[[Sequence[Wish]], Tensor]
"""(n, e) one condition a wish: the seam for what comes from elsewhere than the prompt."""


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """How the walk of a batch differs from the plain one; arguments of `DDPM.walk`."""

    x_start: Tensor | None = None  # (n, c, h, w)
    rows: Sequence[float] | None = None
    wrap: Callable[[Predict], Predict] | None = None
    sampler: Walker | None = None

    def then(self, other: "Way") -> "Way":
        """Both; where they contradict, the other one, and of two wraps its own is the outer."""
        inner, outer = self.wrap, other.wrap
        both = (lambda predict: outer(inner(predict))) if inner and outer else outer or inner
        return Way(
            self.x_start if other.x_start is None else other.x_start,
            self.rows if other.rows is None else other.rows,
            both,
            other.sampler or self.sampler,
        )


Ways = Callable[[Sequence[Wish]], Way]
"""The way of a batch: the seam for what begins elsewhere than in noise, or wraps `predict`."""


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A finished picture, its wish, and all of its batch that its last bits may depend on.

    Attributes:
        image: grey or RGB.
        wish: what was asked.
        batch: number of its batch.
        position: in its batch.
        size: pictures in its batch.
        scales: lowest and highest guidance in its batch: they decide which branches are asked.
        frames: (steps, c, h, w) uint8, x_0 as it emerged, where it was kept.
    """

    image: Image.Image
    wish: Wish
    batch: int
    position: int
    size: int
    scales: tuple[float, float]
    frames: Tensor | None = None


class TextToImage:
    """A model that paints from words.

    >>> pictures = TextToImage.from_pretrained("digits")("a six", n=4, seed=0)  # doctest: +SKIP
    """

    def __init__(self, model: LoadedModel):
        self.model = model
        self._texts = TextEmbeddings(
            lambda texts: self.model.embedder.embed_texts(texts), alone=True
        )
        self.adviser = Adviser(model)
        self._guides: dict[str | None, ClipGuide] = {}

    @classmethod
    def from_pretrained(cls, name: str, device: str = "auto") -> "TextToImage":
        """Open a shipped model, a run, or a packed model's folder."""
        return cls(load(name, device))

    def __call__(
        self, prompts: str | Sequence[str], n: int = 1, seed: int = 0, **wishes: Any
    ) -> list[Image.Image]:
        """PIL pictures, `n` a prompt, prompt by prompt; `wishes` as the fields of `Settings`.

        Each says its seed in `info["seed"]`, also where `seed=-1` drew it. Warns of a prompt that
        is outside what the model's pictures cover.
        """
        settings = self.settings(n=n, seed=seed, **wishes)
        prompts = prompts if settings.wordless else checked_prompts(prompts)
        self.warn(prompts, settings)
        painted = self.paint_all(prompts, settings)
        for one in painted:
            one.image.info["seed"] = one.wish.seed
        return [one.image for one in painted]

    def warn(self, prompts: str | Sequence[str], settings: Settings) -> None:
        """A warning for each prompt that nothing in the model's pictures is like."""
        if not settings.wordless:
            self.adviser.warn(checked_prompts(prompts))

    def settings(self, **wishes: Any) -> Settings:
        """The model's own settings with some replaced, checked.

        Raises:
            UsageError: a value out of range, more steps than the model has rows, another size.
        """
        _, height, width = self.model.image_shape
        own, T = self.model.config.generation, self.model.ddpm.T
        return settings_of(own, T, f"{width}x{height}", **wishes)

    def conditions(
        self, prompts: Sequence[str], settings: Settings, seeds: Sequence[int]
    ) -> Tensor:
        """(n, e) one condition a picture, from its prompt."""
        rows = self._texts(prompts)
        generators = [torch.Generator().manual_seed(seed ^ CONDITION_KEY) for seed in seeds]
        c = self.model.conditioner.texts(rows, settings.bridge, generators=generators)
        return c.to(self.model.device)

    def walk(
        self, prompts: str | Sequence[str], n: int = 1, seed: int = 0, **wishes: Any
    ) -> Iterator[Step]:
        """The steps of one batch with `n` pictures a prompt, for GIFs, analysis and live views."""
        settings = self.settings(n=n, seed=seed, **wishes)
        return self._walk(wishes_for(checked_prompts(prompts), settings), settings)

    def paint(
        self, prompts: str | Sequence[str], settings: Settings, *, keep_frames: bool = False
    ) -> Generator[Progress, None, list[Painted]]:
        """Paint `n` pictures a prompt and scale; yields `Progress` in network steps.

        Args:
            prompts: one or several; not looked at where `settings.wordless`, and none needed
                where `settings.unconditional`.
            settings: from `settings`.
            keep_frames: keep x_0 at each step, for GIFs.

        Raises:
            NonFiniteError: a picture with values that are no numbers.
        """
        if settings.wordless or (settings.unconditional and not prompts):
            wishes = wishes_for(["(unconditional)"], settings, worded=False)
        else:
            wishes = wishes_for(checked_prompts(prompts), settings)
        return self.paint_wishes(wishes, settings, keep_frames=keep_frames)

    def paint_wishes(
        self,
        wishes: Sequence[Wish],
        settings: Settings,
        *,
        conditions: Conditions | None = None,
        ways: Ways | None = None,
        keep_frames: bool = False,
    ) -> Generator[Progress, None, list[Painted]]:
        """Paint every wish, batch by batch, with its own prompt, seed and scale.

        Args:
            wishes: one a picture; `settings.n`, `seed` and `guidance` are not looked at.
            settings: from `settings`.
            conditions: where the conditions come from; None asks the prompts.
            ways: how the walk of each batch differs. Their rows, where they name any, should be
                `settings.steps` many, as these are counted.
            keep_frames: keep x_0 at each step, for GIFs.

        Warns where a CLIP should guide and the wishes have no words that it could go by.

        Raises:
            UsageError: conditions for a model that paints without any.
            NonFiniteError: a picture with values that are no numbers.
        """
        if settings.unconditional and conditions is not None:
            raise UsageError(
                f"{self.model.name} paints without conditions",
                "a picture or a mixture of prompts would not be seen",
                "choose a model that was trained with them",
                param="unconditional",
            )
        if settings.clip_guidance > 0 and not _guidable(wishes):
            warnings.warn(
                f"clip_guidance = {settings.clip_guidance:g} is left out: there are no "
                "words that a CLIP could go by",
                stacklevel=2,
            )
        batches = [wishes[i : i + settings.batch] for i in range(0, len(wishes), settings.batch)]
        done, total, painted = 0, settings.steps * len(batches), []
        for number, batch in enumerate(batches):
            frames, last = [], None
            for step in self._walk(batch, settings, conditions, ways):
                done, last = done + 1, step
                if keep_frames:
                    frames.append(to_uint8(step.pred.x_0).cpu())
                yield Progress("paint", done, total)
            assert last is not None
            if not last.x_prev.isfinite().all():
                raise NonFiniteError(
                    "a picture came out with values that are no numbers",
                    "the guidance may be too strong for this model",
                )
            strips = torch.stack(frames, 1) if frames else None
            painted += [
                placed(to_picture(x), batch, number, at, None if strips is None else strips[at])
                for at, x in enumerate(last.x_prev)
            ]
        return painted

    def paint_all(self, prompts: str | Sequence[str], settings: Settings) -> list[Painted]:
        """`paint`, run to its end."""
        return finish(self.paint(prompts, settings))

    def _walk(
        self,
        wishes: Sequence[Wish],
        settings: Settings,
        conditions: Conditions | None = None,
        ways: Ways | None = None,
    ) -> Iterator[Step]:
        seeds = [wish.seed for wish in wishes]
        way = self._plain_way(wishes, settings)
        way = way if ways is None else way.then(ways(wishes))
        model, scale = self.model, torch.tensor([wish.guidance for wish in wishes])
        c_neg: Tensor | None = None
        if settings.unconditional:
            c, scale = torch.zeros(len(wishes), model.conditioner.width), 0 * scale
        elif conditions is not None:
            c = conditions(wishes)
        else:
            c = self.conditions([wish.prompt for wish in wishes], settings, seeds)
        if settings.negative is not None:
            c_neg = self.conditions([settings.negative] * len(wishes), settings, seeds)
        return model.ddpm.walk(
            cast(Denoiser, model.network),
            c.to(model.device),
            scale=scale,
            c_neg=c_neg,
            interval=settings.interval,
            clamp=settings.clamp,
            rescale=settings.rescale,
            sampler=way.sampler or settings.sampler,
            steps=settings.steps,
            seeds=seeds,
            x_start=way.x_start,
            rows=way.rows,
            wrap=way.wrap,
        )

    def _plain_way(self, wishes: Sequence[Wish], settings: Settings) -> Way:
        """From noise, guided by a CLIP where the settings say so and there are words."""
        if settings.clip_guidance == 0 or not _guidable(wishes):
            return Way()
        prompts, seeds = [wish.prompt for wish in wishes], [wish.seed for wish in wishes]
        schedule = self.model.ddpm.schedule
        wrap, sampler = self.guide(settings.clip_guide).way(prompts, seeds, schedule, settings)
        return Way(wrap=wrap, sampler=sampler)

    def add_guide(self, name: str, guide: ClipGuide) -> None:
        """Let `clip_guide=name` mean this guide."""
        self._guides[name] = guide

    def guide(self, name: str | None = None) -> ClipGuide:
        """The CLIP of another model as a guide, or for None the model's own; opened once."""
        if name not in self._guides:
            model = self.model if name is None else load(name, str(self.model.device))
            self._guides[name] = ClipGuide.of(model)
        return self._guides[name]


def wishes_for(
    prompts: Sequence[str],
    settings: Settings,
    facts: dict[str, Any] | None = None,
    *,
    worded: bool = True,
) -> list[Wish]:
    """Prompt by prompt, scale by scale, seed by seed; the index counts within the whole."""
    rows = [
        (prompt, seed, scale)
        for prompt in prompts
        for scale in settings.guidance
        for seed in settings.seeds()
    ]
    return [
        Wish(prompt, i, seed, scale, facts or {}, worded)
        for i, (prompt, seed, scale) in enumerate(rows)
    ]


def placed(
    image: Image.Image, batch: Sequence[Wish], number: int, at: int, frames: Tensor | None = None
) -> Painted:
    """Picture `at` of batch `number`, with what its file says of that batch."""
    scales = [wish.guidance for wish in batch]
    return Painted(image, batch[at], number, at, len(batch), (min(scales), max(scales)), frames)


def _guidable(wishes: Sequence[Wish]) -> bool:
    return all(wish.worded for wish in wishes)
