"""Do pictures lie where their own prompts lie, more than where those of others do?

Pictures of one prompt are alike, so a count of pictures would be surer than it may be. Prompts are
what is exchanged here: an exact permutation test over them. Knows nothing of walks.
"""

from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.errors import UsageError

MOST = 7
"""Prompts, whose orders are all tried: 5040."""


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """Prompts against the pictures of each.

    Attributes:
        cosines: (p, p) of each prompt's pictures (rows) with each text (columns), centred.
        right: prompts whose pictures are nearest to their own text.
        by_chance: share of all orders of the texts that fit as well as the true one.
    """

    cosines: Tensor
    right: int
    by_chance: float

    @property
    def n(self) -> int:
        """Prompts."""
        return len(self.cosines)


def match(pictures: Tensor, texts: Tensor) -> Match:
    """Compare embeddings of pictures with those of the texts that they were painted from.

    Both sides are centred first, so that neither the gap between the clouds nor a text that is
    near to everything decides.

    Args:
        pictures: (p, n, e) of n pictures of each of p prompts.
        texts: (p, e).

    Raises:
        UsageError: fewer than two prompts or more than `MOST`.
    """
    p = len(texts)
    if not 2 <= p <= MOST or len(pictures) != p:
        raise UsageError(f"{len(pictures)} groups of pictures and {p} texts cannot be matched")
    seen, said = pictures.double().mean(1).cpu(), texts.double().cpu()
    seen, said = (F.normalize(one - one.mean(0), dim=1) for one in (seen, said))
    cosines = seen @ said.T
    orders = torch.tensor(list(permutations(range(p))))
    fits = cosines[torch.arange(p), orders].sum(1)  # the first order is the true one
    as_good = (fits >= fits[0] - 1e-9).double().mean()
    right = int((cosines.argmax(1) == torch.arange(p)).sum())
    return Match(cosines, right, float(as_good))
