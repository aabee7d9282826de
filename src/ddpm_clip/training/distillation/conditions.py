"""What the recorded walks are asked for: conditions of texts and pictures, guidance scales, seeds.

All of it is drawn from (seed, shard), so that a killed recording goes on with the same walks. Texts
take every bridge that the model has, the default one most often, so that the student knows what
each of them leads to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ddpm_clip.conditioning.conditioner import draw_levels
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.errors import DataError
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.training.steps.size import step_seed

DEFAULT_BRIDGE = 0.5
"""Share of the texts that take the model's default bridge; the others take any."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What some walks are asked for, one row a walk."""

    c: Tensor  # (b, e)
    scale: Tensor  # (b,) guidance scale; 0 is without a condition
    seeds: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.c)


@dataclass(frozen=True, slots=True, eq=False)
class Asking:
    """Draws what walks are asked for.

    Attributes:
        teacher: the model that is distilled; its config says how it paints.
        texts: share of the walks with a text; of the others, each has the embedding of a picture.
        unconditional: share of the walks without a condition.
        scales: range of the guidance scale.
        own_scale: share of the walks at the model's own guidance scale.
        seed: random seed.
    """

    teacher: LoadedModel
    texts: float
    unconditional: float
    scales: tuple[float, float]
    own_scale: float
    seed: int
    prompts: tuple[str, ...] = field(init=False)
    embed: TextEmbeddings = field(init=False)

    def __post_init__(self) -> None:
        """Find the prompts.

        Raises:
            DataError: the model has neither prompts nor a bank of embeddings, but conditions.
        """
        model = self.teacher
        own = (*model.conditioner.prompts, *model.config.generation.prompts, *model.classes)
        object.__setattr__(self, "prompts", tuple(dict.fromkeys(own)))
        embed = TextEmbeddings(lambda texts: model.embedder.embed_texts(texts))
        object.__setattr__(self, "embed", embed)
        if not self._wordless and not self.prompts and not len(model.conditioner.bank):
            raise DataError(
                f"{model.name} has nothing to ask its walks for",
                "it keeps neither prompts nor embeddings of its pictures",
                "distil the run that it was packed from, or pack it with its bank",
            )

    @property
    def _wordless(self) -> bool:
        return self.teacher.config.conditioning.c_drop_prob == 1

    def shard(self, number: int, b: int) -> Asked:
        """Return what the `b` walks of one shard are asked for."""
        draws = torch.Generator().manual_seed(step_seed(self.seed, number))
        width = self.teacher.conditioner.width
        c, limit = torch.zeros(b, width), torch.full((b,), torch.inf)
        kinds = torch.rand(3, b, generator=draws)
        scale = self.scales[0] + (self.scales[1] - self.scales[0]) * kinds[2]
        usual = self.teacher.config.generation.guidance
        scale = torch.where(torch.rand(b, generator=draws) < self.own_scale, usual, scale)
        seeds = torch.randint(0, 2**32, (b,), generator=draws)
        if self._wordless:
            return Asked(c, torch.zeros(b), tuple(seeds.tolist()))
        bank = self.teacher.conditioner.bank
        share = self.texts if len(bank) and self.prompts else float(not len(bank))
        worded = kinds[0] < share
        rows = torch.nonzero(worded).flatten()
        if len(rows):
            c[rows], limit[rows] = self._texts(len(rows), draws)
        rows = torch.nonzero(~worded).flatten()
        if len(rows):
            c[rows] = self._pictures(len(rows), draws)
        scale = torch.minimum(scale, limit)
        return Asked(c, scale * (kinds[1] >= self.unconditional), tuple(seeds.tolist()))

    def _pictures(self, b: int, draws: torch.Generator) -> Tensor:
        """Return conditions (b, e) of pictures in the bank, noised as in training."""
        conditioner, options = self.teacher.conditioner, self.teacher.config.conditioning
        chosen = torch.randint(len(conditioner.bank), (b,), generator=draws)
        level = draw_levels(b, options.noise_max, options.noise_prob, draws)
        return conditioner.images(conditioner.bank[chosen].float(), level, draws)

    def _texts(self, b: int, draws: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return conditions (b, e) of prompts, and the largest guidance scale (b,) on each."""
        conditioner = self.teacher.conditioner
        chosen = torch.randint(len(self.prompts), (b,), generator=draws).tolist()
        e = self.embed([self.prompts[i] for i in chosen])
        bridges: Sequence[str] = conditioner.bridges or [conditioner.options.bridge]
        which = torch.randint(len(bridges), (b,), generator=draws)
        if conditioner.options.bridge in bridges:
            usual = bridges.index(conditioner.options.bridge)
            own = torch.rand(b, generator=draws) < DEFAULT_BRIDGE
            which = torch.where(own, usual, which)
        keys = torch.randint(0, 2**62, (b,), generator=draws)
        c, trust = torch.zeros(b, conditioner.width), torch.ones(b)
        for number in which.unique().tolist():
            rows = torch.nonzero(which == number).flatten()
            generators = [torch.Generator().manual_seed(key) for key in keys[rows].tolist()]
            c[rows], trust[rows] = conditioner.trusted_texts(
                e[rows], bridges[number], generators=generators
            )
        if conditioner.mode == "raw" or self.teacher.config.embedder.name == "labels":
            return c, torch.full((b,), torch.inf)
        return c, conditioner.cloud.guidance_limit(trust)
