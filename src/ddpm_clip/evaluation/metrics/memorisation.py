"""Does a model repeat its training pictures? Three questions, each with its answer by chance.

Is a painted picture nearer to the training set than to a held-out set of the same size (half of
them are, by chance; the idea of Meehan et al. 2020)? Is it a copy: nearer to a training picture
than held-out pictures ever are? How near is its nearest, beside the next ones (Carlini et al.
2023)? Rows may be features or pixels: one space sees copies that another overlooks. Knows nothing
of pictures.
"""

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.features import check_pair, some_rows
from ddpm_clip.evaluation.metrics.neighbours import nearest_rows
from ddpm_clip.statistics.chance import as_many_here
from ddpm_clip.statistics.intervals import wilson

AROUND = 50
"""Nearest training rows that the first is compared with, as Carlini et al. do."""

USUAL, NEARER = 0.01, 0.5
"""A copy is nearer than `NEARER` times what one in a hundred held-out rows is."""

ALARM = 0.001
"""A verdict needs counts that chance brings less often than this."""

CopyVerdict = Literal["copies", "leans to the training set", "clear"]


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """What the nearest rows say. Row numbers are those of the matrices that were handed in."""

    n: int
    compared: int  # rows of each of the two sets of equal size
    decided: int  # painted rows that are nearer to one of the two
    closer: int  # of these, nearer to the training rows
    effective_n: float  # independent rows that `decided` is worth
    tolerance: float  # largest distance of a copy
    heldout_n: int
    heldout_duplicates: int  # held-out rows that would count as copies
    ratio: float  # median of d_1 / mean(d_2 ... d_50); small where pictures are copied
    heldout_ratio: float  # the same of held-out rows
    train_rows: Tensor  # (n,) the nearest; of equal training rows the first
    train_distances: Tensor  # (n,)
    heldout_rows: Tensor  # (n,)
    heldout_distances: Tensor  # (n,)

    @property
    def share(self) -> float:
        """Of the decided rows, nearer to the training set; one half by chance."""
        return self.closer / max(1, self.decided)

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, of the share."""
        n = 10**6  # Wilson's form depends on z^2 / n only: so it takes a fractional effective n
        return wilson(round(self.share * n), n, 1.96 * (n / self.effective_n) ** 0.5)

    @property
    def p(self) -> float:
        """How likely a share as large is by chance."""
        return math.erfc((2 * self.share - 1) * (self.effective_n / 2) ** 0.5) / 2

    @property
    def duplicates(self) -> int:
        """Painted rows that are copies of a training row."""
        return int((self.train_distances <= self.tolerance).sum())

    @property
    def duplicates_p(self) -> float:
        """How likely as many copies are by chance, beside those among the held-out rows."""
        return as_many_here(self.duplicates, self.n, self.heldout_duplicates, self.heldout_n)

    @property
    def verdict(self) -> CopyVerdict:
        """One word for both counts; single copies are in `duplicate_rows` under any verdict."""
        if self.duplicates_p < ALARM:
            return "copies"
        return "leans to the training set" if self.p < ALARM else "clear"

    @property
    def duplicate_rows(self) -> list[int]:
        """Painted rows that are copies, the nearest first."""
        return self.suspects(self.duplicates)

    @property
    def copied(self) -> dict[int, int]:
        """Training rows that were copied, and how often, most often first."""
        return dict(Counter(self.train_rows[self.duplicate_rows].tolist()).most_common())

    def suspects(self, n: int) -> list[int]:
        """The n most suspicious painted rows: copies, nearest first, then the others.

        The others by their distance to the training row over that to the held-out row: a plain
        picture is near to everything, which alone says nothing.
        """
        near, tiny = self.train_distances, torch.finfo(torch.float64).tiny
        scores = near / self.heldout_distances.clamp(min=tiny)
        scores = scores.where(near > self.tolerance, near / max(self.tolerance, tiny) - 2)
        rows: list[int] = scores.argsort(stable=True)[:n].tolist()
        return rows

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, without the rows of single pictures."""
        low, high = self.interval
        return {
            "n": self.n,
            "verdict": self.verdict,
            "closer_to_train": {
                "compared": self.compared,
                "decided": self.decided,
                "closer": self.closer,
                "share": round(self.share, 4),
                "effective_n": round(self.effective_n, 1),
                "interval_95": [round(low, 4), round(high, 4)],
                "p": self.p,
            },
            "duplicates": {
                "n": self.duplicates,
                "p": self.duplicates_p,
                "tolerance": self.tolerance,
                "copied_rows": len(self.copied),
                "heldout_n": self.heldout_n,
                "heldout": self.heldout_duplicates,
            },
            "nearest_by_next": {"painted": self.ratio, "heldout": self.heldout_ratio},
        }


def audit(
    painted: Tensor,
    train: Tensor,
    heldout: Tensor,
    *,
    tolerance: float | None = None,
    seed: int = 0,
) -> Audit:
    """Search the nearest training and held-out row of every painted row.

    One half is the share by chance where training and held-out rows are one pool divided by lot.
    Splits that were made otherwise differ by themselves: of one half of MNIST's test pictures,
    46 % are nearer to training pictures than to as many of the other half, whose writers are
    the same.

    Args:
        painted: (n, d).
        train: (t, d), what the model was trained on.
        heldout: (h, d) of the same kind and never trained on.
        tolerance: largest distance of a copy; None takes it from the held-out rows.
        seed: of the lot that makes training and held-out rows equally many.

    Raises:
        UsageError: features of other shapes, fewer than two rows or two different training rows.
        DataError: not finite.
    """
    check_pair(painted, train)
    check_pair(heldout, train)
    first = _first_of_equals(train)
    if len(first) < 2:
        raise UsageError("all training rows are equal", "there is nothing to compare a copy with")
    distinct = train[first]
    distances, rows = nearest_rows(painted, distinct, AROUND)
    usual, _ = nearest_rows(heldout, distinct, AROUND)
    if tolerance is None:
        tolerance = NEARER * usual[:, 0].quantile(USUAL).item()
    beside, beside_rows = nearest_rows(painted, heldout, 1)
    compared, decided, closer, effective = _closer(painted, train, heldout, seed)
    return Audit(
        len(painted),
        compared,
        decided,
        closer,
        effective,
        tolerance,
        len(heldout),
        int((usual[:, 0] <= tolerance).sum()),
        _by_next(distances),
        _by_next(usual),
        first[rows[:, 0]],
        distances[:, 0],
        beside_rows[:, 0],
        beside[:, 0],
    )


def _closer(
    painted: Tensor, train: Tensor, heldout: Tensor, seed: int
) -> tuple[int, int, int, float]:
    """Rows of each set, decided, closer to train, and how many independent rows that is worth.

    By chance each *owner*, the row of either set that is nearest, is a training row or not as a
    coin falls, and all painted rows that it owns with it. Counted one by one they would seem
    surer than they are, the more so the fewer rows they are compared with.
    """
    size = min(len(train), len(heldout))
    d_train, own_train = nearest_rows(painted, train[some_rows(len(train), size, seed)], 1)
    d_held, own_held = nearest_rows(painted, heldout[some_rows(len(heldout), size, seed + 1)], 1)
    closer = d_train < d_held
    decided = (d_train != d_held)[:, 0]
    owners = torch.where(closer, own_train, own_held + size)[decided]
    owned = torch.bincount(owners[:, 0], minlength=1).double()
    effective = (owned.sum() ** 2 / owned.square().sum().clamp(min=1)).item()
    return size, int(decided.sum()), int(closer.sum()), max(1.0, effective)


def _first_of_equals(rows: Tensor) -> Tensor:
    """(u,) numbers of the different rows, each at its first place."""
    seen: dict[bytes, int] = {}
    for i, row in enumerate(rows.float().contiguous().numpy()):
        seen.setdefault(hashlib.blake2b(row.tobytes(), digest_size=16).digest(), i)
    return torch.tensor(list(seen.values()))


def _by_next(distances: Tensor) -> float:
    """The median of d_1 / mean(d_2 ...) of nearest distances (n, k)."""
    return (distances[:, 0] / distances[:, 1:].mean(1)).median().item()
