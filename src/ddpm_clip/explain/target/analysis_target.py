"""What is explained: a denoiser, a prompt, seeds, and who reads the pictures.

A trained model, the exact mixture of `planted.py` and every null of `nulls.py` are targets, so
an analysis cannot tell which one it has. Conditions, guidance and walks are those of painting: the
same calls with the same settings. Knows nothing of any analysis.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.diffusion.guidance import Guidance, guided
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.errors import UsageError
from ddpm_clip.explain.target.batches import BATCH, QUICK_STEPS, cut, in_batches, seeds_after
from ddpm_clip.explain.target.cache import Memory, keys_of
from ddpm_clip.explain.target.readers import Conditions, ImageReader, TextReader, read
from ddpm_clip.generation.settings import Settings
from ddpm_clip.models.ddpm import DDPM, without_gradients
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.types import Denoiser, Predict, Progress, Step

FORGETTING = {"network", "ddpm", "settings", "conditioning", "classes", "judging", "vocabulary"}
"""Fields without which what was painted and read once is no longer true."""


@dataclass(frozen=True, slots=True, eq=False)
class AnalysisTarget:
    """A denoiser with a prompt and seeds, as the analyses see it.

    `from_model.target_of` makes one of a model; `replace` makes another of this one.

    Attributes:
        name: of the model.
        prompt: in words.
        seeds: one a picture.
        network: the denoiser.
        ddpm: its maths and schedule.
        settings: how it paints; one guidance scale.
        conditioning: prompts and seeds -> conditions; the path of painting.
        attribute: what the judge is asked about, as "digit".
        classes: names of the values that it tells apart; () where nobody judges.
        asked_class: the one that the prompt asks for, or None.
        judging: reads pictures; None where nobody does.
        embedding: embeds pictures; None where nobody does.
        wording: embeds texts into the same space; None where nobody does.
        vocabulary: prompts of the kind that the model knows, for nulls and controls.
        conditioner: from embeddings to conditions, where there is one.
        model: that it was made of, where it was.
        about: facts for the report: who judges, who embeds, what was changed.
        memory: of what was painted; None paints everything anew. Whoever changes the network
            while it walks has to do so by a `wrap`, and such walks are not kept.
    """

    name: str
    prompt: str
    seeds: tuple[int, ...]
    network: Denoiser
    ddpm: DDPM
    settings: Settings
    conditioning: Conditions
    attribute: str = ""
    classes: tuple[str, ...] = ()
    asked_class: int | None = None
    judging: ImageReader | None = None
    embedding: ImageReader | None = None
    wording: TextReader | None = None
    vocabulary: tuple[str, ...] = ()
    conditioner: Conditioner | None = None
    model: LoadedModel | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    memory: Memory | None = None

    def __post_init__(self) -> None:
        if len(self.settings.guidance) != 1:
            raise UsageError(
                f"{len(self.settings.guidance)} guidance scales",
                "an explanation is of one",
                param="guidance",
            )
        if not self.seeds:
            raise UsageError("no seeds", "there would be nothing to look at", param="seeds")

    # What it is

    @property
    def schedule(self) -> NoiseSchedule:
        """The table of noise levels."""
        return self.ddpm.schedule

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(c, h, w)."""
        return self.network.image_shape

    @property
    def guidance(self) -> float:
        """The scale s = 1 + w with which it paints, and with which every analysis walks."""
        return self.settings.guidance[0]

    @property
    def spoken(self) -> tuple[str, ...]:
        """The names of the classes as words."""
        return tuple(name.replace("_", " ") for name in self.classes)

    @property
    def asked_name(self) -> str | None:
        """The name of the class that is asked for."""
        return None if self.asked_class is None else self.classes[self.asked_class]

    def timesteps(self, steps: int | None = None) -> list[float]:
        """The timesteps of a walk, from noise down to 0; by default of its own number of steps."""
        return self.ddpm.grid(self.settings.steps if steps is None else steps)

    def steps_of(self, quick: bool) -> int:
        """The steps of the walks that an analysis looks at."""
        return min(QUICK_STEPS, self.settings.steps) if quick else self.settings.steps

    def ratio(self, t: float) -> float:
        """sigma/alpha at a timestep."""
        alpha, sigma = self.schedule.at(t)
        return sigma / max(alpha, 1e-12)

    def replace(self, **changes: Any) -> "AnalysisTarget":
        """This target with other fields; facts in `about` are added to those there.

        It remembers nothing if it paints or reads otherwise.
        """
        about = {**self.about, **changes.pop("about", {})}
        if not FORGETTING.isdisjoint(changes):
            changes.setdefault("memory", None)
        return replace(self, about=about, **changes)

    def more_seeds(self, n: int, start: int = 0) -> list[int]:
        """n seeds: its own, and as many after them as are missing; `start` leaves so many out."""
        return seeds_after(self.seeds, start + n)[start:]

    # Asking it

    def conditions(
        self, prompts: str | Sequence[str] | None = None, seeds: Sequence[int] | None = None
    ) -> Tensor:
        """(n, e) one condition a picture, exactly as painting makes them.

        Args:
            prompts: one for all, or one a seed; None is its own.
            seeds: None are its own.
        """
        seeds = self.seeds if seeds is None else seeds
        said = self.prompt if prompts is None else prompts
        asked = [said] * len(seeds) if isinstance(said, str) else list(said)
        return self.conditioning(asked, seeds)

    def predict(
        self,
        c: Tensor,
        *,
        scale: float | Tensor | None = None,
        seeds: Sequence[int] | None = None,
        gradients: bool = False,
        clamp: str | None = None,
        everywhere: bool = False,
    ) -> Predict:
        """What samplers ask, for single calls at chosen (x_t, t).

        Args:
            c: (b, e) conditions.
            scale: of guidance, one number or one a picture; None is its own.
            seeds: one a picture, where a negative prompt draws; None are its own.
            gradients: let them through, to x_t and to c.
            clamp: of x_0; None is its own.
            everywhere: guide at every noise level instead of in its own interval.
        """
        how, maths = self.settings, self.ddpm
        network = self._differentiable if gradients else without_gradients(self.network)
        scale, clamp = self.guidance if scale is None else scale, clamp or how.clamp
        guidance = Guidance(scale, None if everywhere else how.interval, clamp, how.rescale)
        away = self._away(len(c), self.seeds if seeds is None else seeds)
        c = c.to(maths.device)
        return guided(network, maths.schedule, maths.parameterization, c, guidance, away)

    def branches(self, c: Tensor, seeds: Sequence[int] | None = None) -> Predict:
        """What both branches say at any (x_t, t), with the words and without, unclamped.

        Args:
            c: (b, e) conditions.
            seeds: one a picture; None are its own.
        """
        # at the scales 0 and 1 one branch is not asked; between them both are
        return self.predict(c, scale=0.5, seeds=seeds, clamp="none", everywhere=True)

    def walk(self, c: Tensor, seeds: Sequence[int] | None = None, **walk: Any) -> Iterator[Step]:
        """One batch from noise to pictures: `DDPM.walk` with its own settings.

        Args:
            c: (n, e) conditions.
            seeds: one a picture; None are its own.
            walk: arguments of `DDPM.walk`, None being its own: `scale` of guidance, one number or
                one a picture; `steps`; `x_start` (n, c, h, w) to start from at `timesteps[0]`;
                strictly decreasing `timesteps`; `wrap` of the guided `predict`; `sampler`;
                `interval` of sigma/alpha in which guidance acts.
        """
        chosen = list(self.seeds if seeds is None else seeds)
        if self.memory is None or (keys := keys_of(self._how(walk), c, chosen)) is None:
            return self._walk(c, chosen, **walk)
        return self.memory.steps(keys, lambda: self._walk(c, chosen, **walk))

    def _walk(self, c: Tensor, seeds: list[int], **walk: Any) -> Iterator[Step]:
        """A walk that is taken, whatever is remembered."""
        return self.ddpm.walk(
            self.network,
            c.to(self.ddpm.device),
            c_neg=self._away(len(c), seeds),
            clamp=self.settings.clamp,
            rescale=self.settings.rescale,
            seeds=seeds,
            **self._how(walk),
        )

    def _how(self, walk: Mapping[str, Any]) -> dict[str, Any]:
        """How a walk goes: as is asked for, else by the own settings."""
        how = self.settings
        own = {
            "scale": self.guidance,
            "interval": how.interval,
            "sampler": how.sampler,
            "steps": how.steps,
        }
        return own | {name: one for name, one in walk.items() if one is not None}

    def pictures(
        self,
        c: Tensor,
        seeds: Sequence[int] | None = None,
        *,
        stage: str = "walk",
        batch: int = BATCH,
        **walk: Any,
    ) -> Generator[Progress, None, Tensor]:
        """The pictures at the end of walks, (n, c, h, w) in [-1, 1], a batch at a time.

        Args:
            c: (n, e) conditions.
            seeds: one a picture; None are its own.
            stage: of the progress that is yielded, a network step each.
            batch: pictures at once.
            walk: as for `walk`; a `scale` or `x_start` of n rows is cut along with the batch.
        """
        chosen = list(self.seeds if seeds is None else seeds)
        count = len(walk.get("timesteps") or self.timesteps(walk.get("steps")))
        paint = partial(in_batches, self._walk, count=count, batch=batch, stage=stage)
        if self.memory is None or (keys := keys_of(self._how(walk), c, chosen)) is None:
            return (yield from paint(c, chosen, walk))

        def missing(rows: list[int]) -> Generator[Progress, None, Tensor]:
            return paint(c[rows], [chosen[i] for i in rows], cut(walk, rows))

        return (yield from self.memory.rows(keys, missing))

    # Reading it

    def judge(self, x: Tensor, *, gradients: bool = False) -> Tensor:
        """(b, k) probabilities of `classes` of pictures x, which are cut to [-1, 1] first.

        Args:
            x: (b, c, h, w).
            gradients: let them through to x.

        Raises:
            UsageError: nobody judges.
        """
        if self.judging is None:
            raise UsageError(
                f"nobody reads the pictures of {self.name}",
                "there is neither a judge nor a CLIP with class names",
            )
        return read(self.judging, x, gradients)

    def embed(self, x: Tensor) -> Tensor | None:
        """(b, e) unit embeddings of pictures x, cut to [-1, 1] first; None where nobody embeds."""
        with torch.no_grad():
            return None if self.embedding is None else self.embedding(x.clamp(-1, 1))

    def embed_texts(self, texts: Sequence[str]) -> Tensor | None:
        """(p, e) unit embeddings of texts in the space of `embed`; None where nobody embeds."""
        return None if self.wording is None else self.wording(list(texts))

    def _differentiable(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        return self.network(x_t, t, c, c_mask).float()

    def _away(self, n: int, seeds: Sequence[int]) -> Tensor | None:
        """(n, e) the conditions of the negative prompt, where there is one."""
        if self.settings.negative is None:
            return None
        return self.conditioning([self.settings.negative] * n, list(seeds)[:n])
