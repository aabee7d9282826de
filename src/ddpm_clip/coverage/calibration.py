"""The verdict on a prompt's coverage, calibrated on prompts of known coverage.

The features of a prompt are its similarity to the nearest pictures, in the centred space, and its
own embedding; a probe distinguishes covered prompts from those outside. The result is saved beside
the model.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.coverage.probe import Probe, even_threshold, unseen
from ddpm_clip.coverage.readable import blemishes
from ddpm_clip.coverage.texts import Known
from ddpm_clip.errors import StorageError
from ddpm_clip.utils.storage import write_text
from ddpm_clip.utils.untrusted import read_object

NEAR, FAR = 10, 100
"""The similarity is the mean cosine of the NEAR nearest pictures; the FARth is a feature too."""

ALIKE = 0.8
"""A picture is near a prompt from this share of the median covered prompt's similarity."""

UNSURE = 0.2
"""Above this share of wrongly judged prompts of known coverage, no warnings are given."""

VERDICTS = ("well covered", "thin", "outside")

Embed = Callable[[Sequence[str]], Tensor]
"""Function from texts to embeddings (p, e)."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A well covered prompt, and the number of pictures in the bank that are near it."""

    prompt: str
    near: int


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """The calibrated values on which a verdict is based.

    Attributes:
        probe: Gives the log-odds that a prompt is covered, from its `features`.
        threshold: Log-odds below which a prompt is outside.
        error: Cross-validated share of prompts of known coverage on the wrong side of it.
        similarities: Percentiles (101,) of the covered prompts' similarity.
        suggestions: Diverse covered prompts.
        embedder: Fingerprint of the embedder.
    """

    probe: Probe
    threshold: float
    error: float
    similarities: Tensor
    suggestions: tuple[Suggestion, ...]
    embedder: str

    @classmethod
    def fit(
        cls, conditioner: Conditioner, embed: Embed, known: Known, embedder: str = ""
    ) -> "Coverage":
        """Calibrate on prompts of known coverage.

        Args:
            conditioner: The model's conditioner, with a bank.
            embed: Function that embeds texts by the model's embedder.
            known: The prompts; in each list, similar prompts are next to each other.
            embedder: Fingerprint of the embedder.

        Raises:
            DataError: There are no covered or no outside prompts, or no bank.
        """
        covered = [*known.plain, *known.wrapped]
        e = F.normalize(embed([*covered, *known.outside]).float(), dim=1)
        rows = features(conditioner, e)
        inside, beyond = rows[: len(covered)], rows[len(covered) :]
        probe = Probe.fit(inside, beyond)
        unseen_in, unseen_out = unseen(inside, beyond)
        threshold = even_threshold(unseen_in, unseen_out)
        wrong = max(
            float((unseen_in < threshold).float().mean()),
            float((unseen_out >= threshold).float().mean()),
        )
        levels = torch.quantile(inside[:, 0].double(), torch.linspace(0, 1, 101).double())
        bare = cls(probe, threshold, wrong, levels.round(decimals=4), (), embedder)
        n = len(known.plain)
        shown = [i for i in range(n) if not known.shown or known.plain[i] in known.shown]
        prompts = [known.plain[i] for i in shown]
        suggestions = bare._spread(conditioner, e[shown], prompts, rows[shown])
        return replace(bare, suggestions=suggestions)

    @property
    def near_level(self) -> float:
        """The cosine from which a picture is near a prompt."""
        return ALIKE * self.similarities[50].item()

    def verdict(self, row: Tensor) -> str:
        """Return one of `VERDICTS` for the features (f,) of a prompt."""
        if self.probe(row[None]).item() < self.threshold:
            return "outside"
        return "thin" if row[0].item() < self.near_level else "well covered"

    def percentile(self, similarity: float) -> float:
        """Return the percentage of covered prompts that are less similar to their pictures."""
        level, own = self.similarities.double(), round(similarity, 4)
        share = (level < own).double().mean() + (level <= own).double().mean()
        return 50 * float(share)

    def near(self, conditioner: Conditioner, e: Tensor) -> Tensor:
        """Return how many pictures of the bank (n,) are near each of the texts (n, e)."""
        cosines, _ = conditioner.neighbours(e, len(conditioner.bank))
        return (cosines >= self.near_level).sum(1)

    def _spread(
        self, conditioner: Conditioner, e: Tensor, prompts: Sequence[str], rows: Tensor, n: int = 24
    ) -> tuple[Suggestion, ...]:
        """Return plain and short covered prompts that are far from each other."""
        good = [i for i, row in enumerate(rows) if self.verdict(row) == "well covered"]
        if not good:
            return ()
        centred = F.normalize(e[good] - conditioner.mean_text, dim=1)
        centres = _farthest(centred, n)
        home = (centred @ centred[centres].T).argmax(1).tolist()
        best = [
            min((prompts[i] for i, at in zip(good, home, strict=True) if at == k), key=_plainest)
            for k in range(len(centres))
            if k in home
        ]
        where = {prompt: i for i, prompt in enumerate(prompts)}
        counts = self.near(conditioner, e[[where[prompt] for prompt in best]]).tolist()
        spread = [Suggestion(prompt, count) for prompt, count in zip(best, counts, strict=True)]
        return tuple(sorted(spread, key=lambda one: -one.near))

    def save(self, path: Path) -> None:
        """Write all values to a JSON file."""
        probe = self.probe
        facts = {
            "format": 1,
            "embedder": self.embedder,
            "threshold": self.threshold,
            "error": self.error,
            "similarities": _short(self.similarities),
            "mean": _short(probe.mean),
            "scale": _short(probe.scale),
            "slopes": _short(probe.slopes),
            "offset": probe.offset,
            "suggestions": [asdict(one) for one in self.suggestions],
        }
        write_text(path, json.dumps(facts, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Coverage":
        """Read a file that `save` wrote.

        Raises:
            StorageError: The file does not exist or is damaged.
        """
        try:
            facts = read_object(path)
            mean, scale, slopes = (
                torch.tensor(facts[name], dtype=torch.float64)
                for name in ("mean", "scale", "slopes")
            )
            if mean.ndim != 1 or not mean.shape == scale.shape == slopes.shape:
                raise ValueError("mean, scale and slopes have different lengths")
            suggestions = [
                Suggestion(str(one["prompt"]), int(one["near"])) for one in facts["suggestions"]
            ]
            return cls(
                Probe(mean, scale, slopes, float(facts["offset"])),
                float(facts["threshold"]),
                float(facts["error"]),
                torch.tensor(facts["similarities"], dtype=torch.float64),
                tuple(suggestions),
                str(facts["embedder"]),
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise StorageError(f"cannot read {path}", str(error)[:200]) from error


def features(conditioner: Conditioner, e: Tensor) -> Tensor:
    """Return features (n, 2 + e) of texts (n, e): similarity, 100th cosine, centred embedding."""
    e = F.normalize(e.float(), dim=1)
    cosines, _ = conditioner.neighbours(e, min(FAR, len(conditioner.bank)))
    columns = [cosines[:, :NEAR].mean(1, keepdim=True), cosines[:, -1:], e - conditioner.mean_text]
    return torch.cat(columns, dim=1)


def chosen(conditioner: Conditioner, e: Tensor, pictures: int = 2000) -> Tensor:
    """Return how often (p,) each of the texts (p, e) is nearest to a picture, over an even share.

    This tells what the pictures show where there are neither captions nor classes.
    """
    e = F.normalize(F.normalize(e.float(), dim=1) - conditioner.mean_text, dim=1)
    rows = torch.linspace(0, len(conditioner.bank) - 1, min(pictures, len(conditioner.bank))).long()
    x = F.normalize(conditioner.bank[rows].float() - conditioner.mean_image, dim=1)
    counts = torch.bincount((x @ e.T).argmax(1), minlength=len(e))
    return counts * len(e) / len(rows)


def _farthest(rows: Tensor, n: int) -> list[int]:
    """Return the numbers of at most n of the unit vectors (m, e), each farthest from the last."""
    centres = [int((rows @ rows.mean(0)).argmax())]
    nearest = rows @ rows[centres[0]]
    while len(centres) < n and nearest.min() < 0.9:
        centres.append(int(nearest.argmin()))
        nearest = torch.maximum(nearest, rows @ rows[centres[-1]])
    return centres


def _plainest(prompt: str) -> tuple[int, int]:
    return blemishes(prompt), len(prompt)


def _short(values: Tensor) -> list[float]:
    return [float(f"{value:.6g}") for value in values.tolist()]
