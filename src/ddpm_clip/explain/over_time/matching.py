"""Permutation test: do pictures match their own prompts better than other prompts?

Pictures of one prompt are alike, so counting pictures would overstate the certainty. The exact
permutation test therefore exchanges prompts, not pictures.
"""

from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.errors import UsageError

MOST = 7
"""Most prompts: all their 5040 orders are tried."""


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """How well the pictures of each prompt match its text.

    Attributes:
        cosines: (p, p) centred cosines of each prompt's pictures (rows) with each text (columns).
        right: number of prompts whose pictures are nearest to their own text.
        by_chance: share of all orders of the texts that fit as well as the true one.
    """

    cosines: Tensor
    right: int
    by_chance: float

    @property
    def n(self) -> int:
        """Number of prompts."""
        return len(self.cosines)


def match(pictures: Tensor, texts: Tensor) -> Match:
    """Compare embeddings of pictures with those of the texts that they were painted from.

    Both sides are centred first, so that neither the modality gap nor a text that is close to all
    pictures matters.

    Args:
        pictures: (p, n, e) embeddings of n pictures of each of p prompts.
        texts: (p, e) embeddings of the prompts.

    Raises:
        UsageError: fewer than two prompts or more than `MOST`.
    """
    p = len(texts)
    if not 2 <= p <= MOST or len(pictures) != p:
        raise UsageError(
            f"cannot match {len(pictures)} groups of pictures with {p} texts",
            f"it takes one group per text, and 2 to {MOST} texts",
        )
    groups, words = pictures.double().mean(1).cpu(), texts.double().cpu()
    groups, words = (F.normalize(one - one.mean(0), dim=1) for one in (groups, words))
    cosines = groups @ words.T
    orders = torch.tensor(list(permutations(range(p))))
    fits = cosines[torch.arange(p), orders].sum(1)  # the first order is the true one
    as_good = (fits >= fits[0] - 1e-9).double().mean()
    right = int((cosines.argmax(1) == torch.arange(p)).sum())
    return Match(cosines, right, float(as_good))
