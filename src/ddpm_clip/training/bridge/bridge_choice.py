"""Which bridge is a run's own, where nobody says: chosen on pictures that no training saw.

`shift` is the choice unless another has the lower energy score (Gneiting & Raftery 2007, eq. 21)
on the pictures that captions belong to, and loses no detail. The score is proper: it wants a bridge
near those pictures, and as spread as what the words leave open; one that gives every seed the same
picture pays for it. On a large CLIP with few pairs `knn` and `prior` score lower but find their own
picture less often, and `shift` stays. `noise` is no candidate: the network is told of its noise,
and so it is no loss. Knows nothing of files or networks.
"""

from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.closeness import energy_scores, paired_closeness, reciprocal_ranks
from ddpm_clip.conditioning.conditioner import Conditioner

DEFAULT = "shift"
CANDIDATES = ("identity", "knn", "prior")

FEWEST = 50
"""Held-out pairs below which nothing is measured."""

MARGIN = 0.01
"""Share of the energy score that a candidate must gain; it is also two standard errors at least."""

DRAWS = 8
"""Times that a bridge is asked about each text, for its spread."""

DETAIL = 0.1
"""Share of the mean reciprocal rank that a candidate may lose; two standard errors are no loss."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A bridge, why it is that, and the figures of all that were compared."""

    bridge: str
    reason: str
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For `bridge.json`."""
        figures = {"figures": self.figures} if self.figures else {}
        return {"bridge": self.bridge, "reason": self.reason, **figures}


def choose(conditioner: Conditioner, texts: Tensor, images: Tensor) -> Choice:
    """The best bridge on held-out pairs; ties go to `shift`.

    Args:
        conditioner: fitted, with its prior where it has one; none of the pairs is in its bank.
        texts: (n, e), row i says what `images[i]` shows.
        images: (n, e).
    """
    if len(texts) < FEWEST:
        few = f"{len(texts)} held-out captions, {FEWEST} are wanted to choose by"
        return Choice(DEFAULT, f"the default: {few if len(texts) else 'no captions to choose by'}")
    if len(conditioner.bank) < 2:
        return Choice(DEFAULT, "the default: there is no bank to measure against")
    names = [DEFAULT, *(name for name in CANDIDATES if name in conditioner.bridges)]
    own, centre = F.normalize(images.float(), dim=1), conditioner.mean_image
    bank = F.normalize(conditioner.bank.float(), dim=1)
    asked = {name: _carried(conditioner, texts, name) for name in names}
    scores = {name: energy_scores(asked[name], own) for name in names}
    ranks = {name: _ranks(conditioner, texts, name, own) for name in names}
    better = [
        name
        for name in names[1:]
        if _gains(scores[DEFAULT], scores[name]) and not _loses(ranks[DEFAULT], ranks[name])
    ]
    means = {name: score.mean().item() for name, score in scores.items()}
    best = min(better, key=means.__getitem__, default=DEFAULT)
    told: dict[str, dict[str, Any]] = {
        name: {
            "energy_score": means[name],
            **paired_closeness(asked[name][0], own, bank, centre).as_dict(),
        }
        for name in names
    }
    return Choice(best, _reason(best, means, len(texts)), told)


def _carried(conditioner: Conditioner, texts: Tensor, bridge: str, draws: int = DRAWS) -> Tensor:
    """(draws, n, e) the texts carried over; all draws of a bridge that draws nothing are equal."""
    rows = []
    for draw in range(draws):
        seeds = range(draw * len(texts), (draw + 1) * len(texts))
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        rows.append(conditioner.texts(texts, bridge, generators=generators))
    return torch.stack([conditioner.embeddings(c) for c in rows])


def _ranks(conditioner: Conditioner, texts: Tensor, bridge: str, own: Tensor) -> Tensor:
    """(n,) how soon the own picture is found by what the words say: by nothing that is drawn."""
    plain = copy(conditioner)
    plain.options = replace(conditioner.options, prior_truncation=0.0)
    return reciprocal_ranks(_carried(plain, texts, bridge, 1)[0], own, conditioner.mean_image)


def _gains(usual: Tensor, score: Tensor) -> bool:
    gain = usual - score
    return gain.mean().item() > max(MARGIN * usual.mean().item(), 2 * _error(gain))


def _loses(usual: Tensor, ranks: Tensor) -> bool:
    loss = usual - ranks
    return loss.mean().item() > max(DETAIL * usual.mean().item(), 2 * _error(loss))


def _error(rows: Tensor) -> float:
    return (rows.std() / len(rows) ** 0.5).item()


def _reason(best: str, scores: dict[str, float], n: int) -> str:
    if best == DEFAULT:
        return f"chosen: no other scored lower on {n} held-out captions without losing detail"
    return (
        f"chosen: energy score {scores[best]:.3f} against {scores[DEFAULT]:.3f} of "
        f"{DEFAULT} on {n} held-out captions, and no detail lost"
    )
