"""Integrated gradients: how much each coordinate of a vector adds to a value on the way to it.

IG_i = (c_i - c0_i) times the mean of dF/dc_i on the straight line from c0 to c (Sundararajan et
al. 2017, eq. 1). They sum to F(c) - F(c0), and the same mean gradient takes the sum apart along
any other directions as well. Pictures change their class in a narrow place on such a line, so the
line is cut more finely where sum and change disagree most, for every row by itself. Knows nothing
of what is asked for a value.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.types import Progress

Value = Callable[[Tensor], Tensor]
"""c (m b, e) -> (m b,), differentiable; row i is asked of case i modulo b, and of no other row."""

NODES = 2
"""Places in a piece of the line: exact where the value is a polynomial of degree 4."""

PIECES = 4
"""Of the line, before any is cut."""

ROWS = 16
"""Differentiated at once, or as many as there are cases: every step of a walk stays in memory."""

ENOUGH = 0.01
"""Error at which cutting ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Integrated:
    """The line from c0 to c, one a row; float64 on the processor.

    Attributes:
        way: (b, e) c - c0.
        gradient: (b, e) its mean on the line.
        start: (b,) the value at c0.
        end: (b,) the value at c.
    """

    way: Tensor
    gradient: Tensor
    start: Tensor
    end: Tensor

    @property
    def attributions(self) -> Tensor:
        """(b, e) one a coordinate."""
        return self.way * self.gradient

    def along(self, parts: Tensor) -> Tensor:
        """(b, p) attributions of displacements (p, b, e); where they sum to `way`, so do these."""
        return torch.einsum("pbe,be->bp", parts.to(self.gradient), self.gradient)

    @property
    def change(self) -> Tensor:
        """(b,) F(c) - F(c0), which the attributions should sum to."""
        return self.end - self.start

    @property
    def error(self) -> float:
        """Completeness: mean |sum - change| over the mean |change|; 0 where nothing is missing."""
        missing = (self.attributions.sum(1) - self.change).abs().mean()
        return float(missing / self.change.abs().mean().clamp(min=1e-12))


@dataclass(slots=True, eq=False)
class _Pieces:
    """The line of every row, cut into m pieces.

    Attributes:
        low, high: (b, m) where each begins and ends, in [0, 1].
        before, after: (b, m) the value there.
        gradient: (b, m, e) its integral over each.
    """

    low: Tensor
    high: Tensor
    before: Tensor
    after: Tensor
    gradient: Tensor

    def missing(self, way: Tensor) -> Tensor:
        """(b, m) change less sum."""
        return self.after - self.before - torch.einsum("bme,be->bm", self.gradient, way)


def integrate(
    value: Value,
    start: Tensor,
    end: Tensor,
    *,
    cuts: int = 16,
    enough: float = ENOUGH,
    label: str = "integrate",
) -> Generator[Progress, None, Integrated]:
    """Integrate the gradient of `value`; yields `Progress` a cut.

    Args:
        value: what is explained.
        start: (b, e) c0.
        end: (b, e) c.
        cuts: of every line, at most, after the first `PIECES`.
        enough: error at which cutting ends, as a share of the change.
        label: of the progress.
    """
    walk = _Walk(value, start, end)
    at = torch.linspace(0, 1, PIECES + 1, dtype=torch.float64).expand(len(start), -1)
    values = walk.values(at)
    pieces = _Pieces(
        at[:, :-1], at[:, 1:], values[:, :-1], values[:, 1:], walk.gradients(at[:, :-1], at[:, 1:])
    )
    yield Progress(label, 1, cuts + 1)
    change = (values[:, -1] - values[:, 0]).abs().mean().clamp(min=1e-12)
    for done in range(cuts):
        missing = pieces.missing(walk.way).abs()
        if missing.sum(1).mean() < enough * change:
            break
        pieces = _cut(walk, pieces, missing.argmax(1, keepdim=True))
        yield Progress(label, done + 2, cuts + 1)
    return Integrated(walk.way, pieces.gradient.sum(1), values[:, 0], values[:, -1])


@dataclass(slots=True, eq=False)
class _Walk:
    """Asks for values and gradients at places on the lines."""

    value: Value
    start: Tensor
    end: Tensor

    @property
    def way(self) -> Tensor:
        return (self.end - self.start).cpu().double()

    def at(self, places: Tensor) -> Tensor:
        """(m b, e) conditions at places (b, m), place by place."""
        share = places.T.to(self.start)[:, :, None]  # (m, b, 1)
        return (self.start + share * (self.end - self.start)).flatten(0, 1)

    @torch.no_grad()
    def values(self, places: Tensor) -> Tensor:
        """(b, m)."""
        found: Tensor = self.value(self.at(places)).cpu().double()
        return found.view(-1, len(places)).T

    def gradients(self, low: Tensor, high: Tensor) -> Tensor:
        """(b, m, e) integrals over pieces (b, m), by Gauss and Legendre."""
        (b, m), (at, weights) = low.shape, gauss_legendre(NODES)
        places = low[..., None] + (high - low)[..., None] * at  # (b, m, nodes)
        parts = self.at(places.flatten(1)).split(b * max(1, ROWS // b))
        slopes = torch.cat([gradient_at(self.value, part).cpu().double() for part in parts])
        slopes = slopes.view(m, NODES, b, -1)
        mean = torch.einsum("mnbe,n->bme", slopes, weights)
        return (high - low)[..., None] * mean


def _cut(walk: _Walk, pieces: _Pieces, worst: Tensor) -> _Pieces:
    """Halve one piece of every row (b, 1)."""
    low, high = pieces.low.gather(1, worst), pieces.high.gather(1, worst)
    middle = (low + high) / 2
    said = walk.values(middle)
    halves = walk.gradients(torch.cat([low, middle], 1), torch.cat([middle, high], 1))
    far = worst[..., None].expand(-1, -1, halves.shape[2])
    return _Pieces(
        torch.cat([pieces.low, middle], 1),
        torch.cat([pieces.high.scatter(1, worst, middle), high], 1),
        torch.cat([pieces.before, said], 1),
        torch.cat([pieces.after.scatter(1, worst, said), pieces.after.gather(1, worst)], 1),
        torch.cat([pieces.gradient.scatter(1, far, halves[:, :1]), halves[:, 1:]], 1),
    )


def gradient_at(value: Value, c: Tensor) -> Tensor:
    """(m b, e) the gradient of each row's value; 0 where nothing depends on c."""
    with torch.enable_grad():
        c = c.detach().requires_grad_()
        said = value(c).sum()
        found = torch.autograd.grad(said, c, allow_unused=True)[0] if said.requires_grad else None
    return torch.zeros_like(c) if found is None else found.detach()


def gauss_legendre(n: int) -> tuple[Tensor, Tensor]:
    """(n,) places in (0, 1) and their weights (n,), which sum to 1."""
    places, weights = np.polynomial.legendre.leggauss(n)
    return torch.from_numpy((places + 1) / 2), torch.from_numpy(weights / 2)
