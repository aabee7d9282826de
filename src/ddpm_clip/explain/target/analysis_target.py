"""What analyses work on: a denoiser, a prompt, seeds, a judge and an embedder.

A trained model, the exact mixture of `planted.py` and every null of `nulls.py` are targets: an
analysis cannot tell which it has. Conditions, guidance and walks come from the same calls
with the same settings as those that paint pictures. Knows nothing of any analysis.
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
from ddpm_clip.explain.target.few_call import no_branches, with_gradients
from ddpm_clip.explain.target.readers import Conditions, ImageReader, TextReader, read
from ddpm_clip.generation.settings import Settings
from ddpm_clip.models.ddpm import DDPM, without_gradients
from ddpm_clip.models.scale_conditioned import at_scale
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.types import Denoiser, Predict, Progress, Step

FORGETTING = {"network", "ddpm", "settings", "conditioning", "classes", "judging", "vocabulary"}
"""Fields whose replacement makes cached pictures and readings invalid."""


@dataclass(frozen=True, slots=True, eq=False)
class AnalysisTarget:
    """A denoiser with a prompt and seeds, as the analyses see it.

    `from_model.target_of` makes one from a model; `replace` makes a changed copy.

    Attributes:
        name: name of the model.
        prompt: the prompt that is explained.
        seeds: random seeds, one per picture.
        network: the denoiser.
        ddpm: its diffusion process and noise schedule.
        settings: sampling settings, with a single guidance scale.
        conditioning: makes conditions from prompts and seeds, as painting does.
        attribute: what the judge classifies, such as "digit".
        classes: names of the judge's classes; () without a judge.
        asked_class: index of the class that the prompt asks for, or None.
        judging: the judge: pictures to class probabilities; None if there is none.
        embedding: embeds pictures; None if nothing does.
        wording: embeds texts into the same space; None if nothing does.
        limits: the largest guidance scale (n,) that painting allows each prompt and seed, if any.
        vocabulary: typical prompts of the model, for nulls and controls.
        conditioner: makes conditions from embeddings; None for the planted mixture.
        model: the loaded model, if the target was made from one.
        about: facts for the report: which judge, which embedder, what was ablated.
        memory: cache of painted pictures; None paints everything anew. Code that changes the
            network during a walk has to do so by a `wrap`: such walks are not cached.
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
    limits: Conditions | None = None
    vocabulary: tuple[str, ...] = ()
    conditioner: Conditioner | None = None
    model: LoadedModel | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    memory: Memory | None = None

    def __post_init__(self) -> None:
        if len(self.settings.guidance) != 1:
            raise UsageError(
                f"{len(self.settings.guidance)} guidance scales",
                "an explanation takes a single one",
                param="guidance",
            )
        if not self.seeds:
            raise UsageError("no seeds", "there would be no picture to analyse", param="seeds")

    # What it is

    @property
    def schedule(self) -> NoiseSchedule:
        """The noise schedule."""
        return self.ddpm.schedule

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(c, h, w)."""
        return self.network.image_shape

    @property
    def guidance(self) -> float:
        """The guidance scale s = 1 + w of every walk: the strictest limit of any seed counts."""
        scale = self.settings.guidance[0]
        if self.limits is None:
            return scale
        return min(scale, self.limits([self.prompt] * len(self.seeds), self.seeds).min().item())

    @property
    def class_words(self) -> tuple[str, ...]:
        """The names of the classes as words, without underscores."""
        return tuple(name.replace("_", " ") for name in self.classes)

    @property
    def asked_name(self) -> str | None:
        """The name of the requested class, or None."""
        return None if self.asked_class is None else self.classes[self.asked_class]

    def timesteps(self, steps: int | None = None) -> list[float]:
        """Return the timesteps of a walk, from noise down to 0; None takes its own step count."""
        return self.ddpm.grid(self.settings.steps if steps is None else steps)

    def steps_of(self, quick: bool) -> int:
        """Return the number of steps of the walks that an analysis takes."""
        return min(QUICK_STEPS, self.settings.steps) if quick else self.settings.steps

    def ratio(self, t: float) -> float:
        """Return sigma/alpha at a timestep."""
        alpha, sigma = self.schedule.at(t)
        return sigma / max(alpha, 1e-12)

    def replace(self, **changes: Any) -> "AnalysisTarget":
        """Return a copy with other fields; facts in `about` are added to the present ones.

        The copy has no cache if it paints or judges differently.
        """
        about = {**self.about, **changes.pop("about", {})}
        if not FORGETTING.isdisjoint(changes):
            changes.setdefault("memory", None)
        return replace(self, about=about, **changes)

    def more_seeds(self, n: int, start: int = 0) -> list[int]:
        """Return n seeds: its own, then as many new ones as needed; `start` skips the first."""
        return seeds_after(self.seeds, start + n)[start:]

    # Painting with it

    def conditions(
        self, prompts: str | Sequence[str] | None = None, seeds: Sequence[int] | None = None
    ) -> Tensor:
        """Return (n, e) conditions, one per picture, exactly as painting makes them.

        Args:
            prompts: one for all pictures, or one per seed; None takes the target's own.
            seeds: random seeds, one per picture; None takes the target's own.
        """
        seeds = self.seeds if seeds is None else seeds
        texts = self.prompt if prompts is None else prompts
        each = [texts] * len(seeds) if isinstance(texts, str) else list(texts)
        return self.conditioning(each, seeds)

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
        """Return the guided prediction that samplers call, for single calls at chosen (x_t, t).

        Args:
            c: (b, e) conditions.
            scale: guidance scale, one number or one per picture; None takes the target's own.
            seeds: one per picture, for a negative prompt's condition; None takes the target's own.
            gradients: let gradients flow to x_t and to c.
            clamp: how x_0 is clamped; None takes the target's own.
            everywhere: guide at every noise level, not only in the guidance interval.
        """
        how, maths = self.settings, self.ddpm
        own, scale = at_scale(self.network, self.guidance if scale is None else scale)
        network = with_gradients(own) if gradients else without_gradients(own)
        interval = None if everywhere else how.interval
        guidance = Guidance(scale, interval, clamp or how.clamp, how.rescale)
        c, c_neg = (
            c.to(maths.device),
            self._negative(len(c), self.seeds if seeds is None else seeds),
        )
        return guided(network, maths.schedule, maths.parameterization, c, guidance, c_neg)

    def branches(self, c: Tensor, seeds: Sequence[int] | None = None) -> Predict:
        """Return a prediction for conditions (b, e) that evaluates both branches, unclamped."""
        if self.ddpm.calls:
            raise no_branches(self.name)
        # at the scales 0 and 1 only one branch is evaluated; in between both are
        return self.predict(c, scale=0.5, seeds=seeds, clamp="none", everywhere=True)

    def walk(self, c: Tensor, seeds: Sequence[int] | None = None, **walk: Any) -> Iterator[Step]:
        """Sample one batch from noise to pictures: `DDPM.walk` with the target's settings.

        Args:
            c: (n, e) conditions.
            seeds: one per picture; None takes the target's own.
            walk: arguments of `DDPM.walk`, where None takes the target's own: guidance `scale`,
                one number or one per picture; `steps`; `x_start` (n, c, h, w) to start from at
                `timesteps[0]`; strictly decreasing `timesteps`; `wrap` around the guided
                `predict`; `sampler`; `interval` of sigma/alpha in which guidance acts.
        """
        chosen = list(self.seeds if seeds is None else seeds)
        if self.memory is None or (keys := keys_of(self._how(walk), c, chosen)) is None:
            return self._walk(c, chosen, **walk)
        return self.memory.steps(keys, lambda: self._walk(c, chosen, **walk))

    def _walk(self, c: Tensor, seeds: list[int], **walk: Any) -> Iterator[Step]:
        """Take a walk, whatever is in the cache."""
        return self.ddpm.walk(
            self.network,
            c.to(self.ddpm.device),
            c_neg=self._negative(len(c), seeds),
            clamp=self.settings.clamp,
            rescale=self.settings.rescale,
            seeds=seeds,
            **self._how(walk),
        )

    def _how(self, walk: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a walk: those given, else the target's own settings."""
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
        """Paint pictures (n, c, h, w) in [-1, 1], batch by batch.

        Args:
            c: (n, e) conditions.
            seeds: one per picture; None takes the target's own.
            stage: name of the stage in the progress, which is yielded at every sampling step.
            batch: pictures per batch.
            walk: as for `walk`; a `scale` or `x_start` of n rows is split like the batch.
        """
        chosen = list(self.seeds if seeds is None else seeds)
        count = len(walk.get("timesteps") or self.timesteps(walk.get("steps")))
        paint = partial(in_batches, self._walk, count=count, batch=batch, stage=stage)
        if self.memory is None or (keys := keys_of(self._how(walk), c, chosen)) is None:
            return (yield from paint(c, chosen, walk))

        def missing(rows: list[int]) -> Generator[Progress, None, Tensor]:
            return paint(c[rows], [chosen[i] for i in rows], cut(walk, rows))

        return (yield from self.memory.rows(keys, missing))

    # Reading its pictures

    def judge(self, x: Tensor, *, gradients: bool = False) -> Tensor:
        """Return (b, k) class probabilities of pictures x (b, c, h, w), clamped to [-1, 1] first.

        `gradients` lets gradients flow to x. A `UsageError` if there is no judge.
        """
        if self.judging is None:
            raise UsageError(
                f"there is no judge for the pictures of {self.name}",
                "it has neither a judge beside it nor a CLIP and class names",
            )
        return read(self.judging, x, gradients)

    def embed(self, x: Tensor) -> Tensor | None:
        """Return (b, e) unit embeddings of pictures, clamped to [-1, 1]; None if nothing embeds."""
        with torch.no_grad():
            return None if self.embedding is None else self.embedding(x.clamp(-1, 1))

    def embed_texts(self, texts: Sequence[str]) -> Tensor | None:
        """Return (p, e) unit embeddings of texts in the space of `embed`, or None."""
        return None if self.wording is None else self.wording(list(texts))

    def _negative(self, n: int, seeds: Sequence[int]) -> Tensor | None:
        """Return (n, e) the conditions of the negative prompt, or None if there is none."""
        if self.settings.negative is None:
            return None
        return self.conditioning([self.settings.negative] * n, list(seeds)[:n])
