import random

import pytest
import torch

from ddpm_clip.data.local.drawn_flowers import PETALS, DrawnFlowers, draw, grow
from ddpm_clip.evaluation.petal_colour import PetalMeter
from ddpm_clip.types import Judge
from ddpm_clip.utils.tensors import from_picture, to_float


def test_the_meter_is_a_judge_of_petals():
    meter = PetalMeter()
    assert isinstance(meter, Judge)
    assert meter.classes == tuple(PETALS) == meter.attributes["petals"]


def test_the_meter_reads_the_colour_of_drawings_that_it_was_not_made_with():
    source = DrawnFlowers(150, 32, seed=4321)
    x = to_float(torch.stack([from_picture(source[i], 32, 3) for i in range(150)]))
    read = PetalMeter().read(x)["petals"].labels
    right = sum(source.facts(i)["petals"] == name for i, name in enumerate(read))
    assert right >= 0.97 * 150


@pytest.mark.parametrize("petals", PETALS)
def test_one_flower_of_each_colour_is_named(petals):
    given = {"petals": petals, "species": "poppy", "count": "one", "background": "grey"}
    picture = draw(grow(random.Random(1), given), 32)
    shares, rejected = PetalMeter()(to_float(from_picture(picture, 32, 3))[None])
    assert PetalMeter().classes[int(shares.argmax())] == petals
    assert shares.sum() == pytest.approx(1.0)
    assert not rejected.any()


def test_a_picture_without_a_flower_is_rejected():
    shares, rejected = PetalMeter()(torch.full((2, 3, 32, 32), 0.2))
    assert rejected.all()
    assert shares.sum() == 0
