"""How well bridged text embeddings match image embeddings: five figures, and the energy score.

The plain cosine misleads, since all image embeddings are close to each other. The centred cosine
shows whether the meaning is preserved, the rank of the text's own picture whether its details are,
the ratio of distances whether the result lies where pictures lie, the ratio of radii whether it is
as far from the mean as pictures are. The energy score rates several draws per text: they should be
near the picture, and as spread as the text leaves it open.
"""

from dataclasses import asdict, dataclass
from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.nearest import Bank

ROWS = 2000
"""Largest number of rows whose nearest neighbour is searched, or that are compared at a time."""


@dataclass(frozen=True, slots=True)
class Closeness:
    """How close bridged text embeddings are to image embeddings.

    Attributes:
        cosine: mean cosine with the text's own picture; None without pairs.
        centred_cosine: the same after subtracting the mean image embedding from both; None without
            pairs.
        reciprocal_rank: mean of 1/r, where the own picture is the r-th by centred cosine among the
            pictures of all texts; ties count in its favour. None without pairs.
        nearest_ratio: mean squared distance to the nearest picture of the bank, divided by that of
            real pictures; 1 looks like a picture, 0 is a copy of one.
        radius_ratio: RMS distance from the mean image embedding, divided by that of real pictures.
        outside: share of texts that are left outside the pictures' cloud (`cloud.py`), from where
            painting brings them back; None if no model is measured.
    """

    cosine: float | None
    centred_cosine: float | None
    reciprocal_rank: float | None
    nearest_ratio: float
    radius_ratio: float
    outside: float | None = None

    def as_dict(self) -> dict[str, float | None]:
        """Return the figures as a dict for JSON."""
        return asdict(self)


def paired_closeness(asked: Tensor, own: Tensor, bank: Tensor, centre: Tensor) -> Closeness:
    """Return all five figures, for texts whose pictures are known.

    Args:
        asked: (n, e) bridged text embeddings.
        own: (n, e) unit embeddings of their pictures, none of which is in the bank.
        bank: (m, e) unit embeddings of other pictures.
        centre: (e,) mean image embedding.
    """
    return Closeness(
        F.cosine_similarity(asked, own).mean().item(),
        centred_cosines(asked, own, centre).mean().item(),
        reciprocal_ranks(asked, own, centre).mean().item(),
        _share(nearest_squares(asked, bank).mean(), nearest_squares(own, bank).mean()),
        _share(_rms(asked - centre), _rms(own - centre)),
    )


def unpaired_closeness(asked: Tensor, bank: Tensor, centre: Tensor) -> Closeness:
    """Return the figures that need no pairs, with pictures of the bank as the reference.

    Args:
        asked: (n, e) bridged text embeddings.
        bank: (m, e) unit image embeddings.
        centre: (e,) mean image embedding.
    """
    rows = torch.linspace(0, len(bank) - 1, min(ROWS, len(bank)), dtype=torch.float64)
    own = bank[rows.round().long()]
    # k = 2, because the nearest neighbour of a row of the bank is the row itself.
    others = nearest_squares(own, bank, 2)
    ratio = _share(nearest_squares(asked, bank).mean(), others.mean())
    return Closeness(None, None, None, ratio, _share(_rms(asked - centre), _rms(own - centre)))


def centred_cosines(asked: Tensor, own: Tensor, centre: Tensor) -> Tensor:
    """Return the cosine (n,) of each text and its picture after subtracting `centre` from both."""
    return F.cosine_similarity(asked - centre, own - centre)


def reciprocal_ranks(asked: Tensor, own: Tensor, centre: Tensor) -> Tensor:
    """Return 1/r (n,), where r - 1 other pictures are closer to the text than its own."""
    pictures = F.normalize(own - centre, dim=1)
    ranks = []
    for start in range(0, len(asked), ROWS):
        text = F.normalize(asked[start : start + ROWS] - centre, dim=1)
        mine = (text * pictures[start : start + ROWS]).sum(1, keepdim=True)
        ranks.append(1 + (text @ pictures.T > mine + 1e-6).sum(1))
    return 1 / torch.cat(ranks)


def energy_scores(drawn: Tensor, own: Tensor) -> Tensor:
    """Return E|X - y| - E|X - X'| / 2 (n,) of the draws X of each text and its picture y.

    Lower is better. A proper score: its expectation is lowest if X is distributed as y (Gneiting &
    Raftery 2007, eq. 21).

    Args:
        drawn: (d, n, e) d draws per text; for d = 1 the score is the distance.
        own: (n, e) embeddings of the texts' pictures.
    """
    far = torch.stack([(rows - own).norm(dim=1) for rows in drawn]).mean(0)
    pairs = [(one - other).norm(dim=1) for one, other in combinations(drawn, 2)]
    return far - torch.stack(pairs).mean(0) / 2 if pairs else far


def nearest_squares(rows: Tensor, bank: Tensor, k: int = 1) -> Tensor:
    """Return the squared distances (n,) of rows (n, e) to the k-th nearest of unit rows (m, e)."""
    search = Bank(lambda start, stop: bank[start:stop].float(), len(bank))
    products = search.nearest(rows.float(), min(k, len(bank)))[0][:, -1]
    return (rows.float().square().sum(1) + 1 - 2 * products).clamp(min=0)


def _rms(centred: Tensor) -> Tensor:
    return centred.square().sum(1).mean().sqrt()


def _share(part: Tensor, whole: Tensor) -> float:
    """Return part / whole; NaN where `whole` vanishes because all pictures are the same."""
    return (part / whole).item() if whole > 1e-9 else float("nan")
