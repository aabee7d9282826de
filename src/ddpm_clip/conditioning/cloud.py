"""The cloud of the pictures' conditions: how far out a condition lies, and its way back.

A prompt can ask for what no picture shows. Its condition then lies where the network was never
trained, the pictures fall apart, and guidance, which extrapolates from there, makes it worse. Here
a condition is measured in the pictures' own metric (Mahalanobis 1936) and brought back to the
nearest point of an ellipsoid that pictures fill. How far it had to come back is its trust, which
also limits how strongly guidance may act on it.

An ellipsoid also holds what lies between two kinds of pictures, where there is no picture either.
So every condition is then moved towards its nearest picture, until it is as near as most pictures
are to theirs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

ROOM = 2.3
"""Distance that words are trusted to, in units of the pictures' reach.

Bridges do not close the gap entirely: prompts that the pictures cover lie farther out than pictures
do. `ddpm-clip gap` shows how many a bridge leaves beyond this.
"""

PERCENTILE = 0.99
"""Share of the pictures within their reach; a few odd ones do not stretch it."""

CLOSE = 0.95
"""Share of the pictures that lie within `Cloud.near` of another."""

SAMPLED = 1000
"""Most pictures whose nearest other is searched to measure that."""

TAIL = 1.4
"""Reach over typical distance where no pictures are kept; `digits` has 1.5, `flowers` 1.4."""

MOST = 10_000
"""Largest number of pictures that the distances are measured on, evenly spaced."""

HALVINGS = 60
"""Halvings of the interval that the multiplier of the projection is searched in."""


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """The pictures' conditions as an ellipsoid around 0, where their mean is.

    Attributes:
        axes: (e, e) principal axes, one per column, float64.
        variances: (e,) variance along each, with a ridge, float64.
        typical: median distance of a picture that the others did not see.
        reach: distance that `PERCENTILE` of such pictures stay within.
        pictures: (m, e) conditions of pictures; may be empty.
        near: plain distance within which `CLOSE` of the pictures have another.
    """

    axes: Tensor
    variances: Tensor
    typical: float
    reach: float
    pictures: Tensor
    near: float

    @classmethod
    def fit(cls, covariance: Tensor, pictures: Tensor) -> "Cloud":
        """Measure a cloud.

        The fewer pictures, the less their covariance knows of others: the ridge is e / m of the
        mean variance (in the spirit of Ledoit & Wolf 2004), and each picture's own distance is the
        one without itself, d^2 / (1 - d^2 / m) by the formula of Sherman and Morrison.

        Args:
            covariance: (e, e) covariance of the conditions.
            pictures: (m, e) conditions of pictures; with fewer than two, their distances are
                estimated from the covariance alone.
        """
        values, axes = torch.linalg.eigh(covariance.double())
        values, m = values.clamp(min=0), len(pictures)
        ridge = values.mean().clamp(min=1e-12) * (len(values) / m if m > 1 else 1.0)
        variances = values + ridge
        if m < 2:
            typical = (values / variances).sum().sqrt().item()
            return cls(axes, variances, typical, TAIL * typical, pictures[:0], torch.inf)
        kept = pictures[torch.linspace(0, m - 1, min(MOST, m)).round().long()]
        squares = ((kept.double() @ axes).square() / variances).sum(1)
        alone = (squares / (1 - squares / m).clamp(min=1e-3)).sqrt()
        levels = alone.quantile(torch.tensor([0.5, PERCENTILE], dtype=torch.float64))
        typical, reach = levels.tolist()
        return cls(axes, variances, typical, reach, kept, _distance_to_another(kept))

    def distances(self, c: Tensor) -> Tensor:
        """Return the distance (n,) of conditions (n, e) from the mean, in standard deviations."""
        return ((c.double() @ self.axes).square() / self.variances).sum(1).sqrt()

    def trust(self, c: Tensor) -> Tensor:
        """Return the trust (n,) in conditions (n, e): 1 up to `ROOM`, then falling as 1/d^2."""
        room = ROOM * self.reach
        return (room / self.distances(c).clamp(min=1e-12)).clamp(max=1).square().float()

    def inward(self, c: Tensor, trust: Tensor) -> Tensor:
        """Return conditions (n, e), those with a trust below 1 brought back into the cloud.

        Each becomes the nearest point of the ellipsoid whose radius is the room times the trust, so
        that it ends the nearer to the mean the farther out it lay. Directions in which pictures
        vary are kept, others are given up. Rows do not depend on each other, and trusted ones are
        returned as they are.
        """
        brought = c.clone()
        for i in torch.nonzero(trust < 1).flatten().tolist():
            radius = ROOM * self.reach * trust[i].item()
            brought[i] = self._nearest(c[i], radius).to(c.dtype)
        return brought

    def nearer(self, c: Tensor) -> Tensor:
        """Return conditions (n, e), each within `near` of its nearest picture.

        Those farther out move straight towards it. Rows do not depend on each other.
        """
        if not len(self.pictures):
            return c
        moved = c.clone()
        for i, row in enumerate(c):  # one by one, so that a row's bits do not depend on the others
            away = (row - self.pictures).square().sum(1)
            nearest = int(away.argmin())
            distance = away[nearest].sqrt().item()
            if distance > self.near:
                moved[i] = torch.lerp(self.pictures[nearest], row, self.near / distance)
        return moved

    def guidance_limit(self, trust: Tensor) -> Tensor:
        """Return the largest sensible guidance scale (n,) for conditions of this trust (n,).

        Guidance by s moves the prediction s - 1 times as far again as the condition did. What it
        adds is limited to the pictures' reach, in units of the typical distance, and to nothing as
        the trust falls.
        """
        return 1 + self.reach / max(self.typical, 1e-12) * trust

    def _nearest(self, row: Tensor, radius: float) -> Tensor:
        """Return the point (e,) of the ellipsoid of this radius that is nearest to a row outside.

        It is y v / (v + m) along each axis of variance v, with the multiplier m at which its
        distance is the radius; the distance falls as m grows.
        """
        if radius < 1e-9:  # all pictures are the same
            return torch.zeros_like(row, dtype=torch.float64)
        y = row.double() @ self.axes

        def at(multiplier: float) -> Tensor:
            return y * self.variances / (self.variances + multiplier)

        def beyond(multiplier: float) -> bool:
            return (at(multiplier).square() / self.variances).sum().sqrt().item() > radius

        low, high = 0.0, self.variances.max().item()
        while beyond(high):
            low, high = high, 2 * high
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if beyond(middle) else (low, middle)
        return at(high) @ self.axes.T


def _distance_to_another(pictures: Tensor) -> float:
    """Return the distance within which `CLOSE` of the pictures (m, e) have another picture."""
    rows = torch.linspace(0, len(pictures) - 1, min(SAMPLED, len(pictures))).round().long()
    away = torch.cdist(pictures[rows], pictures)
    away[torch.arange(len(rows)), rows] = torch.inf
    return away.min(1).values.quantile(CLOSE).item()
