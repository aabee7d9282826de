"""A source of synthetic flowers with known facts, drawn at any size from a random seed.

`grow` draws the facts of a flower at random, `draw` paints it, and `DrawnFlowers` is a source of
any number of them. Facts are independent of each other, so that no word can be learnt from
another. Captions are written by `flower_words`, petals are painted by `flower_shapes`.
"""

import colorsys
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ddpm_clip.data.captions.flower_words import describe
from ddpm_clip.data.local.flower_shapes import (
    SHAPES,
    Brush,
    Canvas,
    Colour,
    FlowerStyle,
    shadow,
    stalk,
)
from ddpm_clip.data.pictures.images import pixel_digest
from ddpm_clip.errors import StorageError, UsageError
from ddpm_clip.registry import unknown_name
from ddpm_clip.types import Caption

PETALS: dict[str, Colour] = {
    "red": (0.85, 0.08, 0.10),
    "orange": (0.98, 0.50, 0.05),
    "yellow": (0.99, 0.87, 0.12),
    "pink": (0.98, 0.52, 0.72),
    "purple": (0.52, 0.18, 0.72),
    "white": (0.97, 0.97, 0.96),
    "blue": (0.16, 0.34, 0.90),
}
CENTRES: dict[str, Colour] = {
    "yellow": (0.98, 0.80, 0.10),
    "brown": (0.42, 0.22, 0.08),
    "black": (0.09, 0.07, 0.08),
    "green": (0.42, 0.66, 0.20),
    "white": (0.96, 0.96, 0.92),
}
BACKGROUNDS: dict[str, Colour] = {
    "white": (0.96, 0.96, 0.95),
    "green": (0.36, 0.60, 0.30),
    "blue": (0.60, 0.80, 0.96),
    "black": (0.07, 0.07, 0.09),
    "grey": (0.58, 0.58, 0.59),
}
WITH_CENTRE = ("daisy", "sunflower", "poppy", "violet")
"""The species with a visible centre."""

FACTS: dict[str, tuple[str, ...]] = {
    "species": tuple(SHAPES),
    "petals": tuple(PETALS),
    "centre": tuple(CENTRES),
    "centre_size": ("small", "big"),
    "size": ("small", "big"),
    "count": ("one", "two", "three"),
    "background": tuple(BACKGROUNDS),
}
"""All facts about a flower with their possible values ("none" if it has no visible centre)."""

RADII = {"one": (0.52, 0.84), "two": (0.42, 0.52), "three": (0.36, 0.45)}
PLACES = {
    "one": ((0.0, 0.0),),
    "two": ((-0.44, 0.1), (0.44, -0.1)),
    "three": ((-0.48, -0.4), (0.48, -0.35), (0.0, 0.46)),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Position of one flower: centre and radius in half canvases, turn in radians."""

    x: float
    y: float
    radius: float
    turn: float


@dataclass(frozen=True, slots=True)
class Flower:
    """The ground truth of one picture: its facts, and all other random choices."""

    species: str
    petals: str
    centre: str
    centre_size: str
    size: str
    count: str
    background: str
    look: FlowerStyle
    sky: Colour
    ground: Colour
    places: tuple[Place, ...]

    def facts(self) -> dict[str, str]:
        """Return the facts by name; `centre` and `centre_size` may be "none"."""
        return {name: getattr(self, name) for name in FACTS}


def grow(rng: random.Random, given: Mapping[str, str] | None = None) -> Flower:
    """Return a random flower; facts in `given` are kept, the others drawn independently.

    Raises:
        UsageError: `given` has an unknown fact or value.
    """
    facts = {name: rng.choice(values) for name, values in FACTS.items()}
    facts["count"] = rng.choices(FACTS["count"], (0.76, 0.13, 0.11))[0]
    facts |= _checked(given or {})
    shows = facts["species"] in WITH_CENTRE
    facts |= {} if shows else {"centre": "none", "centre_size": "none"}
    centre = _jitter(CENTRES[facts["centre"]], rng) if shows else None
    scale = {"none": 0.0, "small": 0.0, "big": 1.0}[facts["centre_size"]]
    look = FlowerStyle(
        petal=_jitter(PETALS[facts["petals"]], rng),
        centre=centre,
        centre_scale=scale + rng.uniform(-0.12, 0.12),
        petal_count=rng.random(),
        shade=rng.uniform(0.8, 1.15),
        stem=rng.random() < 0.4,
    )
    ground = _jitter(BACKGROUNDS[facts["background"]], rng)
    sky = _scaled(ground, rng.uniform(0.96, 1.08))
    return Flower(**facts, look=look, sky=sky, ground=ground, places=_places(facts, rng))


def draw(flower: Flower, size: int) -> Image.Image:
    """Paint a flower, RGB (size, size); `size` changes nothing but the resolution."""
    finer = 2 if size <= 128 else 1  # edges are antialiased, but small pictures need more
    canvas = Canvas(size * finer, flower.sky, flower.ground)
    for place in flower.places:
        upright = Brush(canvas, (place.x, place.y), place.radius, 0.0)
        shadow(upright, 0.35 if flower.background != "black" else 0.0)
        if flower.look.stem and flower.species != "tulip" and flower.count == "one":
            stalk(upright)
        brush = Brush(canvas, (place.x, place.y), place.radius, place.turn)
        SHAPES[flower.species](brush, flower.look)
    image = Image.fromarray(canvas.pixels())
    return image.resize((size, size), Image.Resampling.BOX) if finer > 1 else image


class DrawnFlowers:
    """A source of drawn flowers; picture i depends on (seed, i) alone, at any `size`."""

    name = "drawn-flowers"

    def __init__(self, n: int = 4000, size: int = 32, seed: int = 0):
        if n < 1 or size < 4:
            raise UsageError(f"cannot draw {n} flowers of {size} pixels", "both must be positive")
        self.n, self.size, self.seed = n, size, seed
        self.classes: tuple[str, ...] = FACTS["species"]

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Image.Image:
        """Return picture i, RGB."""
        return draw(self.flower(i), self.size)

    def flower(self, i: int) -> Flower:
        """Return the ground truth of picture i."""
        if not 0 <= i < self.n:
            raise IndexError(f"flower {i} of {self.n}")
        return grow(random.Random(f"flower {self.seed} {i}"))

    def key(self, i: int) -> str:
        """Return a key made of the seed and i."""
        return f"flower-{self.seed}-{i:06d}"

    def label(self, i: int) -> str:
        """Return the species."""
        return self.flower(i).species

    def caption(self, i: int) -> str:
        """Return the caption of picture i, the same each time."""
        return self.captioned(i).text

    def captioned(self, i: int) -> Caption:
        """Return the caption of picture i with the facts that it states."""
        return describe(self.facts(i), random.Random(f"words {self.seed} {i}"))

    def facts(self, i: int) -> dict[str, str]:
        """Return all facts about picture i."""
        return self.flower(i).facts()

    def digest(self, i: int) -> str:
        """Return the SHA-256 of the pixels."""
        return pixel_digest(self[i])


def write_folder(folder: str | Path, n: int, size: int = 32, seed: int = 0) -> list[Path]:
    """Fill `folder` with `n` drawn flowers as plain PNG: no captions, no classes.

    Raises:
        StorageError: Writing failed.
    """
    folder, source = Path(folder), DrawnFlowers(n, size, seed)
    paths = [folder / f"flower-{i + 1:06d}.png" for i in range(n)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for i, path in enumerate(paths):
            source[i].save(path)
    except OSError as error:
        raise StorageError(f"cannot write pictures to {folder}", str(error)) from error
    return paths


def _checked(given: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in given.items():
        if name not in FACTS:
            raise unknown_name("fact", name, FACTS)
        if value not in FACTS[name]:
            raise unknown_name(name, value, dict.fromkeys(FACTS[name], 0))
    return given


def _places(facts: Mapping[str, str], rng: random.Random) -> tuple[Place, ...]:
    """Return random positions without much overlap; violets and tulips stay nearly upright."""
    small, big = RADII[facts["count"]]
    loose = 0.10 if facts["count"] == "one" else 0.05
    swing = 0.2 if facts["species"] in ("tulip", "violet") else 3.14159
    mirror = rng.choice((-1, 1))
    return tuple(
        Place(
            mirror * x + rng.uniform(-loose, loose),
            y + rng.uniform(-loose, loose),
            (small if facts["size"] == "small" else big) * rng.uniform(0.94, 1.06),
            rng.uniform(-swing, swing),
        )
        for x, y in PLACES[facts["count"]]
    )


def _jitter(colour: Colour, rng: random.Random) -> Colour:
    """Return a similar colour that still has the same name."""
    hue, light, saturation = colorsys.rgb_to_hls(*colour)
    hue, light = hue + rng.uniform(-0.012, 0.012), light + rng.uniform(-0.03, 0.03)
    return colorsys.hls_to_rgb(hue % 1, min(light, 0.985), saturation * rng.uniform(0.9, 1.0))


def _scaled(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(part * factor, 1.0) for part in colour)
    return red, green, blue
