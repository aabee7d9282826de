"""Chooses the default bridge of a run on held-out pictures and their captions.

`shift` is chosen unless another bridge has a lower energy score (Gneiting & Raftery 2007, eq. 21)
and loses no detail. The score is proper: it rewards a bridge whose results lie near the pictures of
the captions and vary as much as the words leave open, and penalises one that gives every seed the
same result. On a large CLIP with few pairs, `knn` and `prior` score lower but retrieve their own
picture less often, and `shift` stays. `noise` is not compared: the network is told its noise level,
so its larger distance to the picture is not an error.

Without captions, each prompt of the prompt bank stands beside the held-out pictures that are
nearest to it (pseudo-pairs). Then `prior` is not compared: it was fitted on such pairs, so their
spread, which is that of the search and not of the words, would speak for it.
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

FEWEST_PAIRS = 50
"""Smallest number of held-out pairs that bridges are compared on."""

MARGIN = 0.01
"""Share of the energy score that a candidate must gain, and at least two standard errors."""

DRAWS = 8
"""Draws per text and bridge, to measure the spread."""

DETAIL = 0.1
"""Share of the mean reciprocal rank, or two standard errors of it, that a candidate may lose."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen bridge, the reason, and the figures of all bridges that were compared."""

    bridge: str
    reason: str
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the choice as a dict for `bridge.json`."""
        figures = {"figures": self.figures} if self.figures else {}
        return {"bridge": self.bridge, "reason": self.reason, **figures}


def choose(
    conditioner: Conditioner, texts: Tensor, images: Tensor, *, pictures_a_text: int = 0
) -> Choice:
    """Return the best bridge on held-out pairs; ties go to `shift`.

    Args:
        conditioner: fitted, with its prior if it has one; none of the pairs is in its bank.
        texts: (n, e) text embeddings, row i describing `images[i]`.
        images: (n, e) image embeddings.
        pictures_a_text: 0 for captions; of pseudo-pairs, how many pictures stand beside each text,
            in rows that follow each other.
    """
    pseudo = pictures_a_text > 0
    what = f"{len(texts)} held-out {'pseudo-pairs' if pseudo else 'captions'}"
    if len(texts) < FEWEST_PAIRS:
        few = f"{what}, {FEWEST_PAIRS} are needed to choose"
        return Choice(DEFAULT, f"the default: {few if len(texts) else 'no captions to choose by'}")
    if len(conditioner.bank) < 2:
        return Choice(DEFAULT, "the default: there is no bank to compare with")
    candidates = [name for name in CANDIDATES if not (pseudo and name == "prior")]
    names = [DEFAULT, *(name for name in candidates if name in conditioner.bridges)]
    own, centre = F.normalize(images.float(), dim=1), conditioner.mean_image
    bank = F.normalize(conditioner.bank.float(), dim=1)
    asked = {name: _carried(conditioner, texts, name) for name in names}
    each = max(1, pictures_a_text)
    scores = {name: _by_text(energy_scores(asked[name], own), each) for name in names}
    ranks = {name: _by_text(_ranks(conditioner, texts, name, own), each) for name in names}
    better = [
        name
        for name in names[1:]
        if _gains(scores[DEFAULT], scores[name]) and not _loses(ranks[DEFAULT], ranks[name])
    ]
    means = {name: score.mean().item() for name, score in scores.items()}
    best = min(better, key=means.__getitem__, default=DEFAULT)
    figures: dict[str, dict[str, Any]] = {
        name: {
            "energy_score": means[name],
            **paired_closeness(asked[name][0], own, bank, centre).as_dict(),
        }
        for name in names
    }
    return Choice(best, _reason(best, means, what), figures)


def _carried(conditioner: Conditioner, texts: Tensor, bridge: str, draws: int = DRAWS) -> Tensor:
    """Return the bridged texts (draws, n, e); the draws of a deterministic bridge are equal."""
    rows = []
    for draw in range(draws):
        seeds = range(draw * len(texts), (draw + 1) * len(texts))
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        rows.append(conditioner.texts(texts, bridge, generators=generators, bounded=False))
    return torch.stack([conditioner.embeddings(c) for c in rows])


def _ranks(conditioner: Conditioner, texts: Tensor, bridge: str, own: Tensor) -> Tensor:
    """Return the reciprocal ranks (n,) of the texts' own pictures, without random draws."""
    plain = copy(conditioner)
    plain.options = replace(conditioner.options, prior_truncation=0.0)
    return reciprocal_ranks(_carried(plain, texts, bridge, 1)[0], own, conditioner.mean_image)


def _by_text(rows: Tensor, each: int) -> Tensor:
    """Return the means of texts: rows of one text are no independent measurements."""
    return rows.view(-1, each).mean(1)


def _gains(usual: Tensor, score: Tensor) -> bool:
    gain = usual - score
    return gain.mean().item() > max(MARGIN * usual.mean().item(), 2 * _error(gain))


def _loses(usual: Tensor, ranks: Tensor) -> bool:
    loss = usual - ranks
    return loss.mean().item() > max(DETAIL * usual.mean().item(), 2 * _error(loss))


def _error(rows: Tensor) -> float:
    return (rows.std() / len(rows) ** 0.5).item()


def _reason(best: str, scores: dict[str, float], what: str) -> str:
    if best == DEFAULT:
        return f"chosen: no other scored lower on {what} without losing detail"
    return (
        f"chosen: energy score {scores[best]:.3f} against {scores[DEFAULT]:.3f} of "
        f"{DEFAULT} on {what}, and no detail lost"
    )
