"""The colour of a flower's petals measured in its pixels, without any network.

Each pixel goes to the nearest of the named colours, lit and shaded as the drawings are; what is
like the picture's edge is background, and the petals' colour is the one that covers most of the
rest. A second evaluator beside the judge: it cannot have learned the same mistakes.
"""

from functools import cache

import torch
from torch import Tensor

from ddpm_clip.data.local.drawn_flowers import CENTRES, PETALS
from ddpm_clip.data.local.flower_shapes import LEAF
from ddpm_clip.evaluation.judge.network import JudgeReading

SHADES = (-0.55, -0.4, -0.25, -0.1, 0.0, 0.15, 0.3)
"""From shadow to highlight, as the brush of the drawings lays them on."""

ALIKE = 0.12
"""A pixel at most so far from the edge's colour (RGB in [0, 1]) is background."""

WHITE_WEIGHT = 0.7
"""Glints on petals and the shadow on a white ground are white too, and no petal."""

OTHER = "none"


class PetalMeter:
    """A judge of petal colours (`ddpm_clip.types.Judge`); "probabilities" are shares of area.

    It rejects a picture in which nothing stands out from the ground.
    """

    def __init__(self) -> None:
        self.classes = tuple(PETALS)
        self.attributes = {"petals": self.classes}

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Shares (b, 7) and rejected (b,) bool of x (b, 3, h, w) in [-1, 1]."""
        areas = torch.stack([_areas((one.float() + 1) / 2) for one in x])
        total = areas.sum(1, keepdim=True)
        return areas / total.clamp(min=1), total[:, 0] == 0

    def read(self, x: Tensor) -> dict[str, JudgeReading]:
        """The colour that covers most of each picture of x."""
        shares, _ = self(x)
        return {
            "petals": JudgeReading([self.classes[i] for i in shares.argmax(1).tolist()], shares)
        }


def _areas(rgb: Tensor) -> Tensor:
    """(7,) pixels of rgb (3, h, w) in [0, 1] that have each petal colour and are no background."""
    names, colours = _palette()
    edge = torch.cat([rgb[:, 0], rgb[:, -1], rgb[:, :, 0], rgb[:, :, -1]], 1)  # (3, 2h + 2w)
    ground = edge.median(1).values
    points = rgb.flatten(1).T  # (h * w, 3)
    nearest = torch.cdist(_opponent(points), colours).argmin(1)
    apart = (points - ground).norm(dim=1) > ALIKE
    found = torch.bincount(nearest[apart], minlength=len(names)).tolist()
    areas = dict.fromkeys(PETALS, 0.0)
    for name, pixels in zip(names, found, strict=True):
        if name in areas:
            areas[name] += pixels * (WHITE_WEIGHT if name == "white" else 1.0)
    return torch.tensor(list(areas.values()))


@cache
def _palette() -> tuple[list[str], Tensor]:
    """Names, and opponent colours (m, 3), of all that a flower is made of, in every light."""
    named = [*PETALS.items(), (OTHER, LEAF)]
    named += [(OTHER, colour) for name, colour in CENTRES.items() if name not in PETALS]
    names, colours = [], []
    for name, colour in named:
        for light in SHADES:
            lit = torch.tensor(colour)
            names.append(name)
            colours.append(lit * (1 + min(light, 0.0)) + (1 - lit) * max(light, 0.0))
    return names, _opponent(torch.stack(colours))


def _opponent(rgb: Tensor) -> Tensor:
    """Brightness counts a third as much as the two differences of colour."""
    red, green, blue = rgb.unbind(1)
    return torch.stack([(red + green + blue) / 9, red - green, (red + green) / 2 - blue], 1)
