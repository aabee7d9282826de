"""A linear probe that predicts the judge's probabilities from the initial noise x_T.

Each picture is predicted by a ridge regression on all the others, in closed form (`prior.ridge`),
and the share of the variance that this explains is compared with the same probe on shuffled
pictures. The noise is averaged over coarse cells first, since a few hundred pictures are too few to
fit a coefficient for every pixel.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.regression import ridge
from ddpm_clip.statistics.means import means

CELLS = 7
"""Cells per side over which the noise is averaged."""


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    """How much the probe predicts.

    Attributes:
        gains: (n,) for each picture, its squared deviation from the mean minus its squared error,
            divided by the mean squared deviation. Their mean is R^2: 1 is perfect, below 0 is worse
            than the mean.
        hits: number of pictures whose likeliest class is predicted.
        chance: (draws,) R^2 of probes on shuffled pictures.
        chance_hits: their mean number of hits.
    """

    gains: Tensor
    hits: int
    chance: Tensor
    chance_hits: float

    @property
    def r2(self) -> float:
        """Share of the variance of the judge's probabilities explained on left-out pictures."""
        return float(self.gains.mean())

    @property
    def p(self) -> float:
        """P-value: share of the probes, the own one included, that explain as much by shuffling."""
        return (1 + int((self.chance >= self.r2).sum())) / (1 + len(self.chance))

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        n = len(self.gains)
        return {
            "r2": means(self.gains).as_dict(),
            "p": self.p,
            "r2_by_chance": float(self.chance.mean()),
            "hits": self.hits / n,
            "hits_by_chance": self.chance_hits / n,
        }


def probe(x_T: Tensor, probs: Tensor, draws: int = 39, seed: int = 0) -> Probed:
    """Fit the probe, and probes on shuffled pictures.

    Args:
        x_T: (n, c, h, w) initial noise.
        probs: (n, k) the judge's probabilities for the finished pictures.
        draws: number of shuffles.
        seed: random seed of the shuffles.
    """
    features, y = coarse(x_T), probs.double().cpu()
    generator = torch.Generator().manual_seed(seed)
    gains, hits = predict_left_out(features, y)
    shuffled = [
        predict_left_out(features, y[torch.randperm(len(y), generator=generator)])
        for _ in range(draws)
    ]
    chance = torch.stack([one.mean() for one, _ in shuffled])
    return Probed(gains, hits, chance, sum(count for _, count in shuffled) / draws)


def coarse(x: Tensor) -> Tensor:
    """Return (n, d) float64, x averaged over cells, centred and scaled to unit variance."""
    side = min(CELLS, *x.shape[-2:])
    cells = F.adaptive_avg_pool2d(x.double().cpu(), side).flatten(1)
    cells = cells - cells.mean(0)
    return cells / cells.std().clamp(min=1e-12)


def predict_left_out(features: Tensor, y: Tensor) -> tuple[Tensor, int]:
    """Predict each row of y (n, k) by a ridge regression on the features (n, d) of all the others.

    Returns:
        (n,) gains as in `Probed`, 0 if nothing varies; and the number of rows whose largest entry
        is predicted.
    """
    centred = y - y.mean(0)
    scale = centred.square().sum(1).mean()
    if scale < 1e-12:
        return torch.zeros(len(y), dtype=torch.float64), 0
    _, errors = ridge(features, centred)
    hits = ((y - errors).argmax(1) == y.argmax(1)).sum()
    return (centred.square().sum(1) - errors.square().sum(1)) / scale, int(hits)
