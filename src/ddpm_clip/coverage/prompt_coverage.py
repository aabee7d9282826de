"""Answers how well a model's training pictures cover a prompt: verdict, pictures, suggestions."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.config.limits import checked_whole
from ddpm_clip.coverage.calibration import UNSURE, Coverage, Suggestion, features
from ddpm_clip.coverage.measuring import calibrated, why_silent
from ddpm_clip.coverage.readable import readable
from ddpm_clip.embedders.prompts import checked_prompt
from ddpm_clip.errors import DataError, DdpmClipWarning
from ddpm_clip.runs.pretrained import COVERAGE, LoadedModel


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A training picture near a prompt.

    Attributes:
        key: Key of the picture in its source.
        row: Row number of the picture in the bank.
        cosine: Cosine similarity to the prompt, in the centred space.
        share: Weight of the picture among the neighbours in the `knn` bridge, 0 to 1.
    """

    key: str
    row: int
    cosine: float
    share: float


@dataclass(frozen=True, slots=True)
class CoverageAnswer:
    """The verdict on how well the pictures of a model cover a prompt.

    Attributes:
        prompt: The prompt, as it was used.
        verdict: "well covered", "thin" or "outside".
        similarity: Mean cosine with the ten nearest pictures, in the centred space.
        percentile: Percentage of covered prompts that are less similar to their pictures.
        near: Number of pictures in the bank that are near the prompt.
        pictures: Number of pictures in the bank.
        neighbours: The nearest pictures, nearest first.
        suggestions: Nearest covered prompts, unless this one is well covered.
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
        """Return all fields for JSON."""
        return asdict(self)


class PromptCoverage:
    """Tells how well the pictures of a model cover a prompt.

    The calibration is read from the model's folder, or measured on first use.

    Args:
        model: A loaded run or packed model.
    """

    def __init__(self, model: LoadedModel):
        self.model = model

    @property
    def silent(self) -> str:
        """Why coverage cannot be measured for this model; "" if it can."""
        model = self.model
        return why_silent(model.conditioner, model.config.embedder.name, model.classes)

    @cached_property
    def coverage(self) -> Coverage:
        """The calibration, read from the model's folder or else measured now.

        Raises:
            DataError: Coverage cannot be measured for this model.
        """
        if self.silent:
            raise DataError(
                f"cannot measure what the pictures of {self.model.name} cover", self.silent
            )
        path = self.model.folder / COVERAGE
        if path.is_file():
            kept = Coverage.load(path)
            fits = len(kept.probe.mean) == self.model.conditioner.dim + 2
            if kept.embedder == self.model.embedder.fingerprint and fits:
                return self._readable(kept)
        model = self.model
        return calibrated(model.conditioner, model.embedder, model.classes, self._embed)

    def _readable(self, coverage: Coverage) -> Coverage:
        """Leave out suggestions that an earlier version took from captions with misspellings."""
        model = self.model
        if model.config.embedder.name != "mini_clip":
            return coverage
        told = readable(model.conditioner.prompts, model.classes)
        fine = tuple(one for one in coverage.suggestions if told(one.prompt))
        return replace(coverage, suggestions=fine or coverage.suggestions)

    def ask(self, prompt: str, k: int | None = None) -> CoverageAnswer:
        """Return the verdict on a prompt, with the values on which it is based.

        Args:
            prompt: A prompt, as for painting.
            k: Number of neighbours to return; None takes that of the `knn` bridge.

        Raises:
            DataError: Coverage cannot be measured for this model.
            UsageError: The prompt or `k` is invalid.
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

    def suggested(self, most: int = 24) -> list[str]:
        """Return covered prompts, those near most pictures first; [] if coverage is unknown."""
        try:
            return [one.prompt for one in self.coverage.suggestions[:most]]
        except DataError:
            return []

    def warn(self, prompts: Sequence[str]) -> None:
        """Warn of each prompt that is outside; do nothing if the verdict is too uncertain."""
        if self.silent or not self._at_hand() or self.coverage.error > UNSURE:
            return
        asked = list(dict.fromkeys(prompts))
        e = self._embed(asked)
        for i, row in enumerate(features(self.model.conditioner, e)):
            if self.coverage.verdict(row) == "outside":
                near = self._instead(F.normalize(e[i : i + 1].float(), dim=1))
                names = ", ".join(repr(one.prompt) for one in near)
                warnings.warn(
                    f"{asked[i]!r} is outside what the pictures of {self.model.name} cover"
                    + (f"; the nearest covered prompts are {names}" if names else ""),
                    DdpmClipWarning,
                    stacklevel=3,
                )

    def _embed(self, texts: Sequence[str]) -> Tensor:
        """Embed texts (p, e) in batches, unlike those for painting, which are embedded singly."""
        return self.model.embedder.embed_texts(texts).detach().cpu()

    def _at_hand(self) -> bool:
        """Whether a verdict is cheap: a large CLIP should not embed hundreds of texts for it."""
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
        """Return the suggestions whose embeddings are nearest to a text (1, e)."""
        known = self.coverage.suggestions
        if not known:
            return ()
        mean = self.model.conditioner.mean_text
        rows = F.normalize(self._embed([one.prompt for one in known]).float(), dim=1) - mean
        cosines = torch.cosine_similarity(rows, e - mean)
        return tuple(known[i] for i in cosines.argsort(descending=True)[:n].tolist())
