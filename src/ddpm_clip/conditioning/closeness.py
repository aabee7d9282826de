"""How much a text that was carried over looks like a picture: five figures, and a score of draws.

The plain cosine misleads, since any picture is near any other; the centred cosine tells whether
the meaning came along, the rank of the own picture whether its details did, the ratio of distances
whether the place is one where pictures are, the ratio of radii whether it is as far from the
average. The energy score asks of several draws whether they are where the picture is, and as
spread as what is not known of it. Knows nothing of bridges.
"""

from dataclasses import asdict, dataclass
from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.nearest import Bank

LONELY = 2000
"""Rows of a bank at most that are asked for their nearest other row, or compared at a time."""


@dataclass(frozen=True, slots=True)
class Closeness:
    """How texts lie to pictures.

    Attributes:
        cosine: mean with the text's own picture; None without pairs.
        centred_cosine: the same after the mean picture was taken off both; None without pairs.
        reciprocal_rank: mean of 1/r where the own picture is the r-th by centred cosine among
            those of the other texts; equal ones count once. None without pairs.
        nearest_ratio: mean squared distance to the nearest of the bank, over that of pictures;
            1 looks like a picture, 0 is a copy of one.
        radius_ratio: rms distance from the mean picture, over that of pictures.
    """

    cosine: float | None
    centred_cosine: float | None
    reciprocal_rank: float | None
    nearest_ratio: float
    radius_ratio: float

    def as_dict(self) -> dict[str, float | None]:
        """For JSON."""
        return asdict(self)


def paired_closeness(asked: Tensor, own: Tensor, bank: Tensor, centre: Tensor) -> Closeness:
    """The figures of texts whose pictures are known.

    Args:
        asked: (n, e) the texts, carried over.
        own: (n, e) unit embeddings of their pictures, none of which is in the bank.
        bank: (m, e) unit embeddings of other pictures.
        centre: (e,) mean of the pictures.
    """
    return Closeness(
        F.cosine_similarity(asked, own).mean().item(),
        centred_cosines(asked, own, centre).mean().item(),
        reciprocal_ranks(asked, own, centre).mean().item(),
        _share(nearest_squares(asked, bank).mean(), nearest_squares(own, bank).mean()),
        _share(_rms(asked - centre), _rms(own - centre)),
    )


def unpaired_closeness(asked: Tensor, bank: Tensor, centre: Tensor) -> Closeness:
    """The figures that need no pairs; a picture of the bank is measured against the others.

    Args:
        asked: (n, e) texts, carried over.
        bank: (m, e) unit embeddings of pictures.
        centre: (e,) mean of the pictures.
    """
    rows = torch.linspace(0, len(bank) - 1, min(LONELY, len(bank)), dtype=torch.float64)
    own = bank[rows.round().long()]
    # The nearest of a row of the bank is itself; equal pictures are at distance 0, as they are.
    others = nearest_squares(own, bank, 2)
    ratio = _share(nearest_squares(asked, bank).mean(), others.mean())
    return Closeness(None, None, None, ratio, _share(_rms(asked - centre), _rms(own - centre)))


def centred_cosines(asked: Tensor, own: Tensor, centre: Tensor) -> Tensor:
    """(n,) cosine of each text with its own picture, both seen from the mean picture."""
    return F.cosine_similarity(asked - centre, own - centre)


def reciprocal_ranks(asked: Tensor, own: Tensor, centre: Tensor) -> Tensor:
    """(n,) 1/r where r - 1 other pictures are nearer to the text than its own."""
    pictures = F.normalize(own - centre, dim=1)
    ranks = []
    for start in range(0, len(asked), LONELY):
        text = F.normalize(asked[start : start + LONELY] - centre, dim=1)
        mine = (text * pictures[start : start + LONELY]).sum(1, keepdim=True)
        ranks.append(1 + (text @ pictures.T > mine + 1e-6).sum(1))
    return 1 / torch.cat(ranks)


def energy_scores(drawn: Tensor, own: Tensor) -> Tensor:
    """(n,) E|X - y| - E|X - X'| / 2 of the draws X of each text and its picture y; less is better.

    Proper: on average the least where X is distributed as y is (Gneiting & Raftery 2007, eq. 21).

    Args:
        drawn: (d, n, e), d draws a text; of one draw it is the distance.
        own: (n, e).
    """
    far = torch.stack([(rows - own).norm(dim=1) for rows in drawn]).mean(0)
    pairs = [(one - other).norm(dim=1) for one, other in combinations(drawn, 2)]
    return far - torch.stack(pairs).mean(0) / 2 if pairs else far


def nearest_squares(rows: Tensor, bank: Tensor, k: int = 1) -> Tensor:
    """(n,) squared distance of rows (n, e) to the k-th nearest of unit rows (m, e)."""
    search = Bank(lambda start, stop: bank[start:stop].float(), len(bank))
    products = search.nearest(rows.float(), min(k, len(bank)))[0][:, -1]
    return (rows.float().square().sum(1) + 1 - 2 * products).clamp(min=0)


def _rms(centred: Tensor) -> Tensor:
    return centred.square().sum(1).mean().sqrt()


def _share(part: Tensor, whole: Tensor) -> float:
    """NaN where there is nothing to compare with: all pictures are one."""
    return (part / whole).item() if whole > 1e-9 else float("nan")
