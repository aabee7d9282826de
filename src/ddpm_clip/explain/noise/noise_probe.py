"""Does the noise foretell the picture? A linear probe from x_T to what the judge sees.

What the judge says of every picture is foretold by a regression on all the others, in closed form
(`prior.ridge`), and how much of it that explains is held against the same probe on shuffled
pictures. Fine noise is averaged away first: a few hundred pictures have no room for every pixel.
Knows nothing of walks.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.prior import ridge
from ddpm_clip.statistics.means import means

CELLS = 7
"""The noise is averaged over cells, so many a side."""


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    """How much the probe foretold.

    Attributes:
        gains: (n,) of each picture, squared deviation from the mean less squared error, in units
            of the mean squared deviation: their mean is R^2; 1 is all, below 0 worse than nothing.
        hits: pictures whose likeliest class was foretold.
        chance: (draws,) R^2 of probes on shuffled pictures.
        chance_hits: their mean hits.
    """

    gains: Tensor
    hits: int
    chance: Tensor
    chance_hits: float

    @property
    def r2(self) -> float:
        """Share of the variance of what the judge says, of pictures that were left out."""
        return float(self.gains.mean())

    @property
    def p(self) -> float:
        """Share of the shuffled probes, the own one counted, that explained as much."""
        return (1 + int((self.chance >= self.r2).sum())) / (1 + len(self.chance))

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        n = len(self.gains)
        return {
            "r2": means(self.gains).as_dict(),
            "p": self.p,
            "r2_by_chance": float(self.chance.mean()),
            "hits": self.hits / n,
            "hits_by_chance": self.chance_hits / n,
        }


def probe(x_T: Tensor, probs: Tensor, draws: int = 39, seed: int = 0) -> Probed:
    """Foretell what the judge says.

    Args:
        x_T: (n, c, h, w) noise, where walks began.
        probs: (n, k) what the judge says of where they ended.
        draws: of shuffled pictures.
        seed: of them.
    """
    features, said = coarse(x_T), probs.double().cpu()
    generator = torch.Generator().manual_seed(seed)
    gains, hits = foretold(features, said)
    lots = [
        foretold(features, said[torch.randperm(len(said), generator=generator)])
        for _ in range(draws)
    ]
    chance = torch.stack([lot.mean() for lot, _ in lots])
    return Probed(gains, hits, chance, sum(count for _, count in lots) / draws)


def coarse(x: Tensor) -> Tensor:
    """(n, d) float64, averaged over cells and of unit variance for white noise, centred."""
    side = min(CELLS, *x.shape[-2:])
    cells = F.adaptive_avg_pool2d(x.double().cpu(), side).flatten(1)
    cells = cells - cells.mean(0)
    return cells / cells.std().clamp(min=1e-12)


def foretold(features: Tensor, said: Tensor) -> tuple[Tensor, int]:
    """A ridge regression of said (n, k) on features (n, d), each row by all the others.

    Returns:
        gains (n,) as in `Probed`, 0 where nothing varies; and how many largest entries it hits.
    """
    centred = said - said.mean(0)
    scale = centred.square().sum(1).mean()
    if scale < 1e-12:
        return torch.zeros(len(said), dtype=torch.float64), 0
    _, errors = ridge(features, centred)
    hits = ((said - errors).argmax(1) == said.argmax(1)).sum()
    return (centred.square().sum(1) - errors.square().sum(1)) / scale, int(hits)
