"""What prompts of known coverage look like to one model, in numbers that are kept beside it.

Each prompt is seen as its likeness to the nearest pictures, in the centred space, and as its
place among the texts; a probe tells covered ones from those outside. Knows nothing of runs.
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
from ddpm_clip.coverage.texts import Known
from ddpm_clip.errors import StorageError
from ddpm_clip.utils.storage import write_text
from ddpm_clip.utils.untrusted import read_object

NEAR, FAR = 10, 100
"""Nearest pictures whose mean cosine is the similarity; and the one that tells how many more."""

ALIKE = 0.8
"""Share of a usual covered prompt's similarity from which on a picture, or a prompt, is near."""

UNSURE = 0.2
"""Share of the prompts of known coverage from which on, judged wrongly, no verdict is given."""

VERDICTS = ("well covered", "thin", "outside")

Embed = Callable[[Sequence[str]], Tensor]
"""texts -> (p, e)."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A prompt that is well covered, and how many pictures of the bank are near it."""

    prompt: str
    near: int


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """What a verdict on a prompt goes by.

    Attributes:
        probe: log-odds that a prompt is covered, from `features`.
        threshold: of the log-odds; below it a prompt is outside.
        error: share of the prompts of known coverage on the wrong side of it, when unseen.
        similarities: (101,) percentiles of the covered prompts' similarity.
        suggestions: covered prompts, spread over what there is.
        embedder: fingerprint of what embedded the prompts.
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
            conditioner: with a bank.
            embed: the texts of the model's embedder.
            known: the prompts; in each list like ones stand together.
            embedder: its fingerprint.

        Raises:
            DataError: no prompts of one kind, or no bank.
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
        told = bare._spread(conditioner, e[:n], known.plain, rows[:n])
        return replace(bare, suggestions=told)

    @property
    def near_level(self) -> float:
        """The cosine from which on a picture is near a prompt."""
        return ALIKE * self.similarities[50].item()

    def verdict(self, row: Tensor) -> str:
        """One of `VERDICTS` for a row of `features` (f,)."""
        if self.probe(row[None]).item() < self.threshold:
            return "outside"
        return "thin" if row[0].item() < self.near_level else "well covered"

    def percentile(self, similarity: float) -> float:
        """Per cent of the covered prompts that are less similar to their nearest pictures."""
        level, own = self.similarities.double(), round(similarity, 4)
        share = (level < own).double().mean() + (level <= own).double().mean()
        return 50 * float(share)

    def near(self, conditioner: Conditioner, e: Tensor) -> Tensor:
        """(n,) how many pictures of the bank are near texts (n, e)."""
        cosines, _ = conditioner.neighbours(e, len(conditioner.bank))
        return (cosines >= self.near_level).sum(1)

    def _spread(
        self, conditioner: Conditioner, e: Tensor, prompts: Sequence[str], rows: Tensor, n: int = 24
    ) -> tuple[Suggestion, ...]:
        """Short covered prompts, far from each other among the texts."""
        good = [i for i, row in enumerate(rows) if self.verdict(row) == "well covered"]
        if not good:
            return ()
        centred = F.normalize(e[good] - conditioner.mean_text, dim=1)
        centres = _farthest(centred, n)
        home = (centred @ centred[centres].T).argmax(1).tolist()
        best = [
            min((prompts[i] for i, at in zip(good, home, strict=True) if at == k), key=len)
            for k in range(len(centres))
            if k in home
        ]
        where = {prompt: i for i, prompt in enumerate(prompts)}
        counts = self.near(conditioner, e[[where[prompt] for prompt in best]]).tolist()
        told = [Suggestion(prompt, count) for prompt, count in zip(best, counts, strict=True)]
        return tuple(sorted(told, key=lambda one: -one.near))

    def save(self, path: Path) -> None:
        """Write everything as JSON."""
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
        """The inverse of `save`.

        Raises:
            StorageError: the file is not there or damaged.
        """
        try:
            facts = read_object(path)
            mean, scale, slopes = (
                torch.tensor(facts[name], dtype=torch.float64)
                for name in ("mean", "scale", "slopes")
            )
            if mean.ndim != 1 or not mean.shape == scale.shape == slopes.shape:
                raise ValueError("mean, scale and slopes have different lengths")
            told = [
                Suggestion(str(one["prompt"]), int(one["near"])) for one in facts["suggestions"]
            ]
            return cls(
                Probe(mean, scale, slopes, float(facts["offset"])),
                float(facts["threshold"]),
                float(facts["error"]),
                torch.tensor(facts["similarities"], dtype=torch.float64),
                tuple(told),
                str(facts["embedder"]),
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise StorageError(f"cannot read {path}", str(error)[:200]) from error


def features(conditioner: Conditioner, e: Tensor) -> Tensor:
    """(n, 2 + e) of text embeddings (n, e): similarity, the 100th nearest, place among texts."""
    e = F.normalize(e.float(), dim=1)
    cosines, _ = conditioner.neighbours(e, min(FAR, len(conditioner.bank)))
    columns = [cosines[:, :NEAR].mean(1, keepdim=True), cosines[:, -1:], e - conditioner.mean_text]
    return torch.cat(columns, dim=1)


def chosen(conditioner: Conditioner, e: Tensor, pictures: int = 2000) -> Tensor:
    """(p,) how often pictures choose each of the texts (p, e) as the nearest, over an even share.

    Where nobody ever said what the pictures show, this is what they say themselves.
    """
    e = F.normalize(F.normalize(e.float(), dim=1) - conditioner.mean_text, dim=1)
    rows = torch.linspace(0, len(conditioner.bank) - 1, min(pictures, len(conditioner.bank))).long()
    x = F.normalize(conditioner.bank[rows].float() - conditioner.mean_image, dim=1)
    counts = torch.bincount((x @ e.T).argmax(1), minlength=len(e))
    return counts * len(e) / len(rows)


def _farthest(rows: Tensor, n: int) -> list[int]:
    """At most n rows of (m, e) unit vectors, each as far as can be from those before it."""
    centres = [int((rows @ rows.mean(0)).argmax())]
    nearest = rows @ rows[centres[0]]
    while len(centres) < n and nearest.min() < 0.9:
        centres.append(int(nearest.argmin()))
        nearest = torch.maximum(nearest, rows @ rows[centres[-1]])
    return centres


def _short(values: Tensor) -> list[float]:
    return [float(f"{value:.6g}") for value in values.tolist()]
