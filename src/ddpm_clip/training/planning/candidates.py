"""The sizes and networks that a plan chooses from, from the least demanding to the most.

Networks and pictures are those of the shipped presets. A candidate is worth choosing if at least
half of the steps of its recipe fit into the time: with fewer, a smaller network has learned more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ENOUGH = 0.5
"""Share of a recipe's steps that must fit into the time."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A size and a network.

    Attributes:
        name: what the plan calls it.
        side: pixels of a side of the pictures.
        network: keys of `model` and `training` that make it.
        steps: steps of the recipe that it is taken from.
        pictures: with fewer pictures it would learn them by heart.
    """

    name: str
    side: int
    network: Mapping[str, Any]
    steps: int
    pictures: int

    @property
    def needed(self) -> int:
        """Fewest steps with which it is worth choosing."""
        return round(ENOUGH * self.steps)


CANDIDATES = (
    Candidate(
        "small",
        32,
        {"model.down_chs": (64, 96, 128), "model.blocks": 1, "model.dropout": 0.1},
        2000,
        0,
    ),
    Candidate("default", 32, {"model.down_chs": (64, 128, 192), "model.blocks": 2}, 5000, 1000),
    Candidate(
        "default",
        64,
        {"model.down_chs": (64, 128, 192), "model.blocks": 2, "model.stem": 4},
        8000,
        1000,
    ),
    Candidate(
        "large",
        64,
        {
            "model.down_chs": (128, 256, 384),
            "model.blocks": 2,
            "model.stem": 2,
            "training.batch_size": 128,
            "training.lr": 3e-4,
        },
        60_000,
        10_000,
    ),
)
"""`presets/small.yaml`, `default.yaml`, the stem of `config/photos_64.yaml` for twice as long as
there, and `large.yaml`."""


def fitting(side: int | None, network_given: bool, pictures: int, finest: int) -> list[Candidate]:
    """Return the candidates that suit the pictures; at least one.

    Args:
        side: side of the pictures if that is given; None leaves it open.
        network_given: whether the network is given, so that only the side is open.
        pictures: number of pictures.
        finest: side of the pictures as they are: enlarging them shows nothing more.
    """
    found = [one for one in CANDIDATES if pictures >= one.pictures]
    if side is None:
        found = [one for one in found if one.side <= max(finest, CANDIDATES[0].side)]
    else:  # each network once, at the side that is given
        found = list({one.name: one for one in reversed(found)}.values())[::-1]
    if network_given:
        found = list({one.side: one for one in reversed(found)}.values())[::-1]
        found = found[:1] if side is not None else found
    return found
