"""Words to pictures: prompts -> embeddings -> conditions -> walk -> pictures.

A picture follows from the model, its prompt, its seed and the settings; what else is painted in
the same batch does not enter. Knows nothing of files (`painting.py`) or commands.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor

from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.errors import NonFiniteError
from ddpm_clip.pretrained import LoadedModel, load
from ddpm_clip.settings import Settings, checked_prompts, settings_of
from ddpm_clip.types import Denoiser, Progress, Step
from ddpm_clip.utils.tensors import to_picture, to_uint8


@dataclass(frozen=True, slots=True)
class Wish:
    """One picture to be painted."""

    prompt: str
    index: int
    seed: int
    guidance: float


Conditions = Callable[[Sequence[Wish]], Tensor]
"""(n, e) one condition a wish: the seam for what comes from elsewhere than the prompt."""


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A finished picture, its wish, and where it stood in its batch."""

    image: Image.Image
    wish: Wish
    batch: int
    position: int
    frames: Tensor | None = None  # (steps, c, h, w) uint8, x_0 as it emerged


class TextToImage:
    """A model that paints from words.

    >>> pictures = TextToImage.from_pretrained("digits")("a six", n=4, seed=0)  # doctest: +SKIP
    """

    def __init__(self, model: LoadedModel):
        self.model = model
        self._texts = TextEmbeddings(lambda texts: self.model.embedder.embed_texts(texts))

    @classmethod
    def from_pretrained(cls, name: str, device: str = "auto") -> "TextToImage":
        """Open a shipped model, a run, or a packed model's folder."""
        return cls(load(name, device))

    def __call__(
        self, prompts: str | Sequence[str], n: int = 1, seed: int = 0, **wishes: Any
    ) -> list[Image.Image]:
        """PIL pictures, `n` a prompt, prompt by prompt; `wishes` as the fields of `Settings`."""
        painted = self.paint_all(prompts, self.settings(n=n, seed=seed, **wishes))
        return [one.image for one in painted]

    def settings(self, **wishes: Any) -> Settings:
        """The model's own settings with some replaced, checked.

        Raises:
            UsageError: a value out of range, or more steps than the model has rows.
        """
        return settings_of(self.model.config.generation, self.model.ddpm.T, **wishes)

    def conditions(
        self, prompts: Sequence[str], settings: Settings, seeds: Sequence[int]
    ) -> Tensor:
        """(n, e) one condition a picture, from its prompt."""
        rows = self._texts(prompts)
        # The bridge's noise must not be the picture's own, or the two would be tied.
        generators = [torch.Generator().manual_seed(seed ^ 0x5DEECE66D) for seed in seeds]
        c = self.model.conditioner.texts(rows, settings.bridge, generators=generators)
        return c.to(self.model.device)

    def walk(
        self, prompts: str | Sequence[str], n: int = 1, seed: int = 0, **wishes: Any
    ) -> Iterator[Step]:
        """The steps of one batch with `n` pictures a prompt, for GIFs, analysis and live views."""
        settings = self.settings(n=n, seed=seed, **wishes)
        return self._walk(_wishes(checked_prompts(prompts), settings), settings)

    def paint(
        self, prompts: str | Sequence[str], settings: Settings, *, keep_frames: bool = False
    ) -> Generator[Progress, None, list[Painted]]:
        """Paint `n` pictures a prompt and scale; yields `Progress` in network steps.

        Args:
            prompts: one or several; not looked at where `settings.unconditional`.
            settings: from `settings`.
            keep_frames: keep x_0 at each step, for GIFs.

        Raises:
            NonFiniteError: a picture with values that are no numbers.
        """
        asked = ["(unconditional)"] if settings.unconditional else checked_prompts(prompts)
        return self.paint_wishes(_wishes(asked, settings), settings, keep_frames=keep_frames)

    def paint_wishes(
        self, wishes: Sequence[Wish], settings: Settings, *,
        conditions: Conditions | None = None, keep_frames: bool = False,
    ) -> Generator[Progress, None, list[Painted]]:  # fmt: skip
        """Paint every wish, batch by batch, with its own prompt, seed and scale.

        Args:
            wishes: one a picture; `settings.n`, `seed` and `guidance` are not looked at.
            settings: from `settings`.
            conditions: where the conditions come from; None asks the prompts.
            keep_frames: keep x_0 at each step, for GIFs.
        """
        batches = [wishes[i : i + settings.batch] for i in range(0, len(wishes), settings.batch)]
        done, total, painted = 0, settings.steps * len(batches), []
        for number, batch in enumerate(batches):
            frames, last = [], None
            for step in self._walk(batch, settings, conditions):
                done, last = done + 1, step
                if keep_frames:
                    frames.append(to_uint8(step.pred.x_0).cpu())
                yield Progress("paint", done, total)
            assert last is not None
            if not last.x_prev.isfinite().all():
                raise NonFiniteError("a picture came out with values that are no numbers",
                                     "the guidance may be too strong for this model")  # fmt: skip
            strips = torch.stack(frames, 1) if frames else None
            painted += [
                Painted(to_picture(x), wish, number, at, None if strips is None else strips[at])
                for at, (x, wish) in enumerate(zip(last.x_prev, batch, strict=True))
            ]
        return painted

    def paint_all(self, prompts: str | Sequence[str], settings: Settings) -> list[Painted]:
        """`paint`, run to its end."""
        work = self.paint(prompts, settings)
        while True:
            try:
                next(work)
            except StopIteration as end:
                painted: list[Painted] = end.value
                return painted

    def _walk(
        self, wishes: Sequence[Wish], settings: Settings, conditions: Conditions | None = None
    ) -> Iterator[Step]:
        seeds = [wish.seed for wish in wishes]
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
            cast(Denoiser, model.network), c.to(model.device), scale=scale,
            c_neg=c_neg, interval=settings.interval,
            clamp=settings.clamp, rescale=settings.rescale, sampler=settings.sampler,
            steps=settings.steps, seeds=seeds,
        )  # fmt: skip


def _wishes(prompts: Sequence[str], settings: Settings) -> list[Wish]:
    """Prompt by prompt, scale by scale, seed by seed; the index counts within the whole."""
    rows = [
        (prompt, seed, scale)
        for prompt in prompts for scale in settings.guidance for seed in settings.seeds()
    ]  # fmt: skip
    return [Wish(prompt, i, seed, scale) for i, (prompt, seed, scale) in enumerate(rows)]
