"""Integrated gradients: how much each coordinate of a vector adds to a function of it.

IG_i = (c_i - c0_i) times the mean of dF/dc_i on the straight line from c0 to c (Sundararajan et
al. 2017, eq. 1). They sum to F(c) - F(c0), and the same mean gradient also splits the sum along any
other directions. Pictures change their class on a short stretch of such a line, so the line is
subdivided where the sum and the change disagree most, for each row separately.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.types import Progress

Value = Callable[[Tensor], Tensor]
"""c (m b, e) -> (m b,), differentiable; output i is of case i modulo b and depends on row i."""

NODES = 2
"""Gauss-Legendre nodes per piece of the line: exact if F is a polynomial of degree 4 at most."""

PIECES = 4
"""Pieces of the line before it is subdivided."""

ROWS = 16
"""Rows that are differentiated at once, or one per case if more: all steps stay in memory."""

ENOUGH = 0.01
"""Relative error at which subdividing ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Integrated:
    """Gradients along the lines from c0 to c, one line per row; float64 on the CPU.

    Attributes:
        way: (b, e) c - c0.
        gradient: (b, e) the mean gradient on the line.
        start: (b,) the value at c0.
        end: (b,) the value at c.
    """

    way: Tensor
    gradient: Tensor
    start: Tensor
    end: Tensor

    @property
    def attributions(self) -> Tensor:
        """(b, e) attributions, one per coordinate."""
        return self.way * self.gradient

    def along(self, parts: Tensor) -> Tensor:
        """Return (b, p) attributions of displacements (p, b, e); their sum is that of the whole."""
        return torch.einsum("pbe,be->bp", parts.to(self.gradient), self.gradient)

    @property
    def change(self) -> Tensor:
        """(b,) F(c) - F(c0), which the attributions should sum to."""
        return self.end - self.start

    @property
    def error(self) -> float:
        """Completeness error: mean |sum - change| divided by mean |change|."""
        missing = (self.attributions.sum(1) - self.change).abs().mean()
        return float(missing / self.change.abs().mean().clamp(min=1e-12))


@dataclass(slots=True, eq=False)
class _Pieces:
    """The line of every row, split into m pieces.

    Attributes:
        low, high: (b, m) where each piece begins and ends, in [0, 1].
        before, after: (b, m) the values there.
        gradient: (b, m, e) integral of the gradient over each piece.
    """

    low: Tensor
    high: Tensor
    before: Tensor
    after: Tensor
    gradient: Tensor

    def missing(self, way: Tensor) -> Tensor:
        """Return (b, m) the change over each piece minus the sum of its attributions."""
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
    """Integrate the gradient of `value`; yield `Progress` per subdivision.

    Args:
        value: the function F that is explained.
        start: (b, e) c0.
        end: (b, e) c.
        cuts: most subdivisions of each line, after the first `PIECES`.
        enough: error at which subdividing ends, as a share of the change.
        label: name of the stage in the progress.
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
    """Evaluates F and its gradient at places on the lines."""

    value: Value
    start: Tensor
    end: Tensor

    @property
    def way(self) -> Tensor:
        return (self.end - self.start).cpu().double()

    def at(self, places: Tensor) -> Tensor:
        """Return (m b, e) the points at places (b, m) of the lines, place by place."""
        share = places.T.to(self.start)[:, :, None]  # (m, b, 1)
        return (self.start + share * (self.end - self.start)).flatten(0, 1)

    @torch.no_grad()
    def values(self, places: Tensor) -> Tensor:
        """Return (b, m) values at places (b, m)."""
        found: Tensor = self.value(self.at(places)).cpu().double()
        return found.view(-1, len(places)).T

    def gradients(self, low: Tensor, high: Tensor) -> Tensor:
        """Return (b, m, e) integrals of the gradient over pieces (b, m), by Gauss-Legendre."""
        (b, m), (at, weights) = low.shape, gauss_legendre(NODES)
        places = low[..., None] + (high - low)[..., None] * at  # (b, m, nodes)
        parts = self.at(places.flatten(1)).split(b * max(1, ROWS // b))
        slopes = torch.cat([gradient_at(self.value, part).cpu().double() for part in parts])
        slopes = slopes.view(m, NODES, b, -1)
        mean = torch.einsum("mnbe,n->bme", slopes, weights)
        return (high - low)[..., None] * mean


def _cut(walk: _Walk, pieces: _Pieces, worst: Tensor) -> _Pieces:
    """Halve one piece of every row, the worst (b, 1)."""
    low, high = pieces.low.gather(1, worst), pieces.high.gather(1, worst)
    middle = (low + high) / 2
    value = walk.values(middle)
    halves = walk.gradients(torch.cat([low, middle], 1), torch.cat([middle, high], 1))
    far = worst[..., None].expand(-1, -1, halves.shape[2])
    return _Pieces(
        torch.cat([pieces.low, middle], 1),
        torch.cat([pieces.high.scatter(1, worst, middle), high], 1),
        torch.cat([pieces.before, value], 1),
        torch.cat([pieces.after.scatter(1, worst, value), pieces.after.gather(1, worst)], 1),
        torch.cat([pieces.gradient.scatter(1, far, halves[:, :1]), halves[:, 1:]], 1),
    )


def gradient_at(value: Value, c: Tensor) -> Tensor:
    """Return (m b, e) the gradient of each row's value; 0 if the value does not depend on c."""
    with torch.enable_grad():
        c = c.detach().requires_grad_()
        total = value(c).sum()
        found = torch.autograd.grad(total, c, allow_unused=True)[0] if total.requires_grad else None
    return torch.zeros_like(c) if found is None else found.detach()


def gauss_legendre(n: int) -> tuple[Tensor, Tensor]:
    """Return (n,) nodes in (0, 1) and their weights (n,), which sum to 1."""
    places, weights = np.polynomial.legendre.leggauss(n)
    return torch.from_numpy((places + 1) / 2), torch.from_numpy(weights / 2)
