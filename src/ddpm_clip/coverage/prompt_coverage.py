"""One prompt, one model: can its pictures say this, which of them, and what could be asked instead.

Knows nothing of painting or commands.
"""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.config.limits import checked_whole
from ddpm_clip.coverage.calibration import UNSURE, Coverage, Suggestion, features
from ddpm_clip.coverage.measuring import calibrated, why_silent
from ddpm_clip.embedders.prompts import checked_prompt
from ddpm_clip.errors import DataError
from ddpm_clip.runs.pretrained import COVERAGE, LoadedModel


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A training picture near a prompt.

    Attributes:
        key: its name in the source.
        row: of the bank.
        cosine: with the prompt, in the centred space.
        share: of what the neighbours bring into the `knn` bridge.
    """

    key: str
    row: int
    cosine: float
    share: float


@dataclass(frozen=True, slots=True)
class CoverageAnswer:
    """What the pictures of a model say of a prompt.

    Attributes:
        prompt: as it was used.
        verdict: "well covered", "thin" or "outside".
        similarity: mean cosine with the ten nearest pictures, in the centred space.
        percentile: per cent of covered prompts that are less similar.
        near: pictures of the bank that are as near as to a usual covered prompt.
        pictures: in the bank.
        neighbours: the nearest pictures, nearest first.
        suggestions: nearest covered prompts, unless this one is well covered.
    """

    prompt: str
    verdict: str
    similarity: float
    percentile: float
    near: int
    pictures: int
    neighbours: tuple[Neighbour, ...]
    suggestions: tuple[Suggestion, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class PromptCoverage:
    """Says what the pictures of a model cover; calibrated once, from its folder or on first use.

    Args:
        model: a run or a packed model.
    """

    def __init__(self, model: LoadedModel):
        self.model = model

    @property
    def silent(self) -> str:
        """Why nothing can be said of this model; empty where something can."""
        model = self.model
        return why_silent(model.conditioner, model.config.embedder.name, model.classes)

    @cached_property
    def coverage(self) -> Coverage:
        """What a verdict goes by: kept in the model's folder, else measured now.

        Raises:
            DataError: nothing can be said of this model.
        """
        if self.silent:
            raise DataError(f"{self.model.name} cannot say what its pictures cover", self.silent)
        path = self.model.folder / COVERAGE
        if path.is_file():
            kept = Coverage.load(path)
            fits = len(kept.probe.mean) == self.model.conditioner.dim + 2
            if kept.embedder == self.model.embedder.fingerprint and fits:
                return kept
        model = self.model
        return calibrated(model.conditioner, model.embedder, model.classes, self._embed)

    def ask(self, prompt: str, k: int | None = None) -> CoverageAnswer:
        """The verdict on a prompt, and what it rests on.

        Args:
            prompt: as for painting.
            k: neighbours that are named; None takes as many as the `knn` bridge.

        Raises:
            DataError: nothing can be said of this model. UsageError: the prompt is none, or k.
        """
        prompt = checked_prompt(prompt)
        k = None if k is None else checked_whole("k", k)
        coverage = self.coverage
        conditioner = self.model.conditioner
        e = F.normalize(self._embed([prompt]).float(), dim=1)
        row = features(conditioner, e)[0]
        verdict, similarity = coverage.verdict(row), row[0].item()
        return CoverageAnswer(
            prompt,
            verdict,
            similarity,
            coverage.percentile(similarity),
            int(coverage.near(conditioner, e)),
            len(conditioner.bank),
            self._neighbours(e, k),
            () if verdict == "well covered" else self._instead(e),
        )

    def warn(self, prompts: Sequence[str]) -> None:
        """A warning for each prompt outside; nothing where nothing can be said for certain."""
        if self.silent or not self._at_hand() or self.coverage.error > UNSURE:
            return
        asked = list(dict.fromkeys(prompts))
        e = self._embed(asked)
        for i, row in enumerate(features(self.model.conditioner, e)):
            if self.coverage.verdict(row) == "outside":
                near = self._instead(F.normalize(e[i : i + 1].float(), dim=1))
                told = ", ".join(repr(one.prompt) for one in near)
                warnings.warn(
                    f"{asked[i]!r} is outside what the pictures of {self.model.name} cover"
                    + (f"; near it they know {told}" if told else ""),
                    stacklevel=3,
                )

    def _embed(self, texts: Sequence[str]) -> Tensor:
        """(p, e); apart from those that are painted with, which are embedded one by one."""
        return self.model.embedder.embed_texts(texts).detach().cpu()

    def _at_hand(self) -> bool:
        """Whether a verdict costs next to nothing: a large text tower is not asked for hundreds."""
        kept = (self.model.folder / COVERAGE).is_file() or "coverage" in self.__dict__
        return kept or self.model.config.embedder.name == "mini_clip"

    def _neighbours(self, e: Tensor, k: int | None) -> tuple[Neighbour, ...]:
        conditioner = self.model.conditioner
        options, keys = conditioner.options, conditioner.bank_keys
        k = min(k or options.knn_k, len(conditioner.bank))
        cosines, rows = conditioner.neighbours(e, k)
        shares = (cosines[0] / options.knn_tau).softmax(0)
        return tuple(
            Neighbour(keys[row] if keys else str(row), row, cosine, share)
            for row, cosine, share in zip(
                rows[0].tolist(), cosines[0].tolist(), shares.tolist(), strict=True
            )
        )

    def _instead(self, e: Tensor, n: int = 3) -> tuple[Suggestion, ...]:
        """The suggestions nearest a text (1, e), among the texts."""
        told = self.coverage.suggestions
        if not told:
            return ()
        mean = self.model.conditioner.mean_text
        rows = F.normalize(self._embed([one.prompt for one in told]).float(), dim=1) - mean
        cosines = torch.cosine_similarity(rows, e - mean)
        return tuple(told[i] for i in cosines.argsort(descending=True)[:n].tolist())
