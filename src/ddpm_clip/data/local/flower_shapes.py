"""Paints the seven species of the drawn flowers on a numpy canvas, by fields of coverage.

Each species is one function that paints a flower of radius 1 around the origin of a `Brush`; the
brush knows where on the canvas that is. Knows nothing of randomness: whatever varies comes in
through a `FlowerStyle`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating]
"""One float32 number per pixel."""
Colour = tuple[float, float, float]

LEAF: Colour = (0.22, 0.52, 0.18)


@dataclass(frozen=True, slots=True)
class FlowerStyle:
    """How one picture's flowers look; colours are RGB in [0, 1]."""

    petal: Colour
    centre: Colour | None
    centre_scale: float  # 0 for the smallest of the species, 1 for the biggest
    petal_count: float  # 0 for the fewest of the species, 1 for the most
    shade: float  # strength of light and shadow, about 1
    stem: bool


class Canvas:
    """A square picture, channels first, y up and both axes in [-1, 1]."""

    def __init__(self, side: int, sky: Colour, ground: Colour):
        at = ((np.arange(side, dtype=np.float32) + 0.5) * 2 / side - 1).astype(np.float32)
        self.side, self.x, self.y = side, at[None, :], -at[:, None]
        height = (self.y[None] + 1) / 2  # (1, side, 1)
        self.rgb = np.broadcast_to(
            _planes(sky) * height + _planes(ground) * (1 - height), (3, side, side)
        ).copy()

    def pixels(self) -> NDArray[np.uint8]:
        """Return the picture as uint8 (side, side, 3)."""
        return np.round(self.rgb.clip(0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)


class Brush:
    """The coordinate system (x, y) of one flower of radius 1 on a canvas; paints in it."""

    def __init__(self, canvas: Canvas, centre: tuple[float, float], radius: float, turn: float):
        (cx, cy), side, reach = centre, canvas.side, 1.2 * radius
        left, right = (int(np.floor((v + 1) * side / 2)) for v in (cx - reach, cx + reach))
        top, bottom = (int(np.floor((1 - v) * side / 2)) for v in (cy + reach, cy - reach))
        rows, columns = slice(max(top, 0), bottom + 1), slice(max(left, 0), right + 1)
        dx, dy = (canvas.x[:, columns] - cx) / radius, (canvas.y[rows] - cy) / radius
        cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        self.x: Field = cos * dx + sin * dy
        self.y: Field = cos * dy - sin * dx
        self.pixel = 2 / (side * radius)
        self.lit: Field = 0.5 * (dy - dx) + np.zeros_like(self.x)  # light comes from the top left
        self._window: Field = canvas.rgb[:, rows, columns]

    def paint(self, cover: Field, colour: Colour, light: "Field | float" = 0.0) -> None:
        """Paint `colour` with opacity `cover` (h, w) in [0, 1]; light < 0 darkens, > 0 whitens."""
        light = np.asarray(light, dtype=np.float32)
        plane = _planes(colour)
        shaded = plane * (1 + np.minimum(light, 0)) + (1 - plane) * np.maximum(light, 0)
        self._window += cover * (shaded - self._window)

    def inside(self, distance: Field) -> Field:
        """Return the coverage of the region distance < 0, with an edge one pixel soft."""
        return np.asarray(np.clip(0.5 - distance / np.float32(self.pixel), 0, 1))

    def from_point(self, x: float, y: float) -> Field:
        """Return the distance of every pixel from (x, y)."""
        return np.asarray(np.hypot(self.x - np.float32(x), self.y - np.float32(y)))

    def disc(self, x: float, y: float, radius: float) -> Field:
        """Return the coverage of a disc."""
        return self.inside(self.from_point(x, y) - np.float32(radius))

    def along(self, angle: float) -> tuple[Field, Field]:
        """Return coordinates along and across the ray from the origin at `angle`."""
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        return cos * self.x + sin * self.y, cos * self.y - sin * self.x

    def fan(self, count: int, offset: float = 0.0) -> tuple[Field, Field]:
        """Return `along` for `count` rays at once: each pixel uses the nearest ray."""
        wedge = np.float32(2 * np.pi / count)
        theta = np.arctan2(self.y, self.x) - np.float32(offset)
        theta = (theta + wedge / 2) % wedge - wedge / 2
        rho = self.from_point(0, 0)
        return rho * np.cos(theta), rho * np.sin(theta)

    def blade(
        self,
        along: Field,
        across: Field,
        span: tuple[float, float],
        half: float,
        shape: Callable[[Field], Field],
    ) -> tuple[Field, Field]:
        """Return the coverage of petals, and each pixel's position (0 to 1) along its petal.

        Args:
            along: Coordinate along the petal.
            across: Coordinate across the petal.
            span: Distances from the centre at which the petals start and end.
            half: Scale of the half-width.
            shape: Function from the position along a petal to its relative half-width.
        """
        start, end = span
        out = (along - np.float32(start)) / np.float32(end - start)
        width = np.where((out > 0) & (out < 1), half * shape(np.clip(out, 0, 1)), -1)
        return self.inside(np.abs(across) - width.astype(np.float32)), np.clip(out, 0, 1)


def round_tip(out: Field) -> Field:
    """Return the half-width of a petal that stays broad to its end."""
    return np.asarray(np.sqrt(1 - (2 * out - 1) ** 4) * (0.6 + 0.4 * out))


def pointed_tip(out: Field) -> Field:
    """Return the half-width of a petal that ends in a point."""
    return np.asarray(1.6 * out**0.45 * (1 - out) ** 0.8)


def daisy(brush: Brush, look: FlowerStyle) -> None:
    """Paint many long thin petals around a small round centre."""
    count = 10 + round(4 * look.petal_count)
    along, across = brush.fan(count)
    cover, out = brush.blade(along, across, (0.1, 1.0), 2.35 / count, round_tip)
    brush.paint(brush.disc(0, 0, 0.5), look.petal, -0.45)
    brush.paint(cover, look.petal, look.shade * (0.32 * out - 0.3 + 0.12 * brush.lit))
    _centre(brush, look, 0.22 + 0.13 * look.centre_scale)


def sunflower(brush: Brush, look: FlowerStyle) -> None:
    """Paint two rings of short pointed petals around a big disc of seeds."""
    count = 13 + round(4 * look.petal_count)
    for layer, (offset, end) in enumerate([(np.pi / count, 0.92), (0.0, 1.0)]):
        along, across = brush.fan(count, offset)
        cover, out = brush.blade(along, across, (0.25, end), 2.7 / count, pointed_tip)
        brush.paint(cover, look.petal, look.shade * (0.25 * out - 0.42 + 0.22 * layer))
    _centre(brush, look, 0.42 + 0.14 * look.centre_scale)


def rose(brush: Brush, look: FlowerStyle) -> None:
    """Paint rings of rounded petals that overlap inwards to a spiral; without a disc."""
    count = 5 + round(look.petal_count)
    for ring, (away, size) in enumerate([(0.5, 0.5), (0.36, 0.42), (0.2, 0.34)]):
        for petal in range(count - ring):
            angle = 2 * np.pi * petal / (count - ring) + 0.7 * ring
            x, y = away * np.cos(angle), away * np.sin(angle)
            brush.paint(brush.disc(0.88 * x, 0.88 * y, size + 0.07), look.petal, -0.55 * look.shade)
            rim = brush.from_point(0.75 * x, 0.75 * y) / np.float32(size)
            light = look.shade * (0.42 * rim - 0.3 - 0.08 * ring + 0.12 * brush.lit)
            brush.paint(brush.disc(x, y, size), look.petal, np.minimum(light, 0.25))
    rho = brush.from_point(0, 0)
    wind = (np.arctan2(brush.y, brush.x) / np.float32(2 * np.pi) + rho * np.float32(5.0)) % 1
    brush.paint(brush.disc(0, 0, 0.33), look.petal, look.shade * (0.75 * wind - 0.65))


def tulip(brush: Brush, look: FlowerStyle) -> None:
    """Paint a cup of three pointed petals from the side, on a stem between two leaves."""
    _stem(brush, (0.0, -0.1), 0.06)
    for lean, reach in ((1.95, 0.78), (1.15, 0.7)):
        along, across = _ray(brush, (0.0, -1.05), lean)
        cover, out = brush.blade(along, across, (0.0, reach), 0.11, pointed_tip)
        brush.paint(cover, LEAF, 0.25 * out - 0.1)
    for lean, half, dark in ((2.06, 0.33, 0.25), (1.08, 0.33, 0.25), (1.57, 0.42, 0.0)):
        along, across = _ray(brush, (0.0, -0.32), lean)
        cover, out = brush.blade(along, across, (-0.05, 1.3), half + 0.05, _cup)
        brush.paint(cover, look.petal, -0.55 * look.shade)
        cover, out = brush.blade(along, across, (0.0, 1.26), half, _cup)
        rib = -0.25 * np.exp(-((across / 0.05) ** 2))
        light = look.shade * (0.3 * out - 0.12 - dark + rib + 0.15 * brush.lit)
        brush.paint(cover, look.petal, light)


def poppy(brush: Brush, look: FlowerStyle) -> None:
    """Paint four or five broad overlapping petals around a small dark-ringed centre."""
    count = 4 + round(look.petal_count)
    for petal in range(count):
        angle = 2 * np.pi * petal / count
        x, y = 0.47 * np.cos(angle), 0.47 * np.sin(angle)
        size = 0.55 if count == 4 else 0.48
        rim = brush.from_point(0, 0)
        brush.paint(brush.disc(x, y, size + 0.04), look.petal, -0.55 * look.shade)
        crease = 0.06 * np.cos(9 * np.arctan2(brush.y, brush.x))
        light = look.shade * (0.35 * rim - 0.25 + crease + 0.1 * brush.lit)
        brush.paint(brush.disc(x, y, size), look.petal, light)
    radius = 0.17 + 0.1 * look.centre_scale
    brush.paint(0.75 * brush.disc(0, 0, radius + 0.13), (0.1, 0.06, 0.1))
    _centre(brush, look, radius)


def violet(brush: Brush, look: FlowerStyle) -> None:
    """Paint a pansy's face: two dark petals above, two aside, a broad one below, and whiskers."""
    parts = [
        (-0.36, 0.5, 0.46, 0.5),
        (0.36, 0.5, 0.46, 0.5),
        (-0.5, -0.05, 0.42, 0.12),
        (0.5, -0.05, 0.42, 0.12),
        (0.0, -0.46, 0.54, 0.0),
    ]
    for x, y, size, dark in parts:
        brush.paint(brush.disc(x, y, size + 0.04), look.petal, -0.7 * look.shade)
        rim = brush.from_point(x, y) / np.float32(size)
        light = look.shade * (0.15 * rim - dark + 0.12 * brush.lit)
        brush.paint(brush.disc(x, y, size), look.petal, light)
    rays = np.cos(np.arctan2(brush.x, -brush.y) * 7) * 0.5 + 0.5
    face = brush.inside(np.hypot(brush.x * 0.8, brush.y + 0.18) - np.float32(0.4))
    brush.paint(face * (0.35 + 0.6 * rays) * np.clip(0.7 - 4 * brush.y, 0, 1), (0.13, 0.04, 0.16))
    _centre(brush, look, 0.15 + 0.09 * look.centre_scale)


def lily(brush: Brush, look: FlowerStyle) -> None:
    """Paint a star of six broad pointed petals with a furrow each, and stamens; without a disc."""
    for layer, offset in enumerate((np.pi / 3, 0.0)):
        along, across = brush.fan(3, offset)
        rim, _ = brush.blade(along, across, (0.0, 1.08), 0.34, pointed_tip)
        brush.paint(rim, look.petal, -0.5 * look.shade)
        cover, out = brush.blade(along, across, (0.0, 1.03), 0.29, pointed_tip)
        furrow = -0.4 * np.exp(-((across / 0.045) ** 2)) * (1 - out)
        light = look.shade * (0.3 * out - 0.2 + 0.14 * layer + furrow + 0.1 * brush.lit)
        brush.paint(cover, look.petal, light)
    along, across = brush.fan(6, np.pi / 6)
    brush.paint(brush.inside(np.hypot(along - 0.28, across) - np.float32(0.06)), (0.45, 0.25, 0.05))


SHAPES: dict[str, Callable[[Brush, FlowerStyle], None]] = {
    "daisy": daisy,
    "sunflower": sunflower,
    "rose": rose,
    "tulip": tulip,
    "poppy": poppy,
    "violet": violet,
    "lily": lily,
}
"""Every species that can be drawn."""


def stalk(brush: Brush) -> None:
    """Paint a stem with one leaf below a flower that is seen from above."""
    _stem(brush, (0.0, 0.0), 0.07)
    along, across = _ray(brush, (0.0, -1.1), 0.6)
    cover, out = brush.blade(along, across, (0.0, 0.6), 0.12, pointed_tip)
    brush.paint(cover, LEAF, 0.25 * out - 0.1)


def shadow(brush: Brush, strength: float) -> None:
    """Paint a soft shadow that sets a flower off from its background."""
    rho = np.hypot(brush.x - 0.06, brush.y + 0.08)
    brush.paint(strength * np.clip(1.15 - rho, 0, 1), (0.05, 0.06, 0.05))


def _planes(colour: Colour) -> Field:
    return np.asarray(colour, dtype=np.float32)[:, None, None]


def _cup(out: Field) -> Field:
    """Return the half-width of a tulip's petal: broad below, pointed above."""
    return np.asarray(1.45 * out**0.35 * (1 - out) ** 0.55)


def _ray(brush: Brush, start: tuple[float, float], angle: float) -> tuple[Field, Field]:
    x, y = brush.x - np.float32(start[0]), brush.y - np.float32(start[1])
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cos * x + sin * y, cos * y - sin * x


def _stem(brush: Brush, top: tuple[float, float], half: float) -> None:
    x, y = top
    bend = np.float32(x) + np.float32(0.06) * np.sin(brush.y * 3)
    cover = brush.inside(np.abs(brush.x - bend) - np.float32(half)) * (brush.y < y)
    brush.paint(cover, LEAF, -1.5 * (brush.x - bend))


def _centre(brush: Brush, look: FlowerStyle, radius: float) -> None:
    """Paint a domed disc with a dark rim and a little grain."""
    if look.centre is None:
        return
    rho = brush.from_point(0, 0) / np.float32(radius)
    brush.paint(brush.disc(0, 0, radius + 0.05), look.centre, -0.6)
    grain = 0.1 * np.cos(brush.x * 34) * np.cos(brush.y * 34)
    light = look.shade * (0.16 - 0.34 * rho**2 + grain + 0.25 * brush.lit)
    brush.paint(brush.disc(0, 0, radius), look.centre, light)
