"""The meter of petals names the colour of drawings, and of nothing else."""

import random
from pathlib import Path

import pytest
import torch

from ddpm_clip.course.petal_colour import PetalMeter
from ddpm_clip.data.local.drawn_flowers import PETALS, DrawnFlowers, draw, grow
from ddpm_clip.types import Judge
from ddpm_clip.utils.tensors import from_picture, to_float


@pytest.fixture
def meter(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return PetalMeter()


def test_the_meter_is_a_judge_of_petals(meter):
    assert isinstance(meter, Judge)
    assert meter.classes == tuple(PETALS) == meter.attributes["petals"]


@pytest.mark.slow
def test_the_meter_reads_the_colour_of_drawings_that_it_was_not_made_with(meter):
    source = DrawnFlowers(150, 32, seed=4321)
    x = to_float(torch.stack([from_picture(source[i], 32, 3) for i in range(150)]))
    read = meter.read(x)["petals"].labels
    right = sum(source.facts(i)["petals"] == name for i, name in enumerate(read))
    assert right >= 0.97 * 150


@pytest.mark.parametrize("petals", PETALS)
def test_one_flower_of_each_colour_is_named(meter, petals):
    given = {"petals": petals, "species": "poppy", "count": "one", "background": "grey"}
    picture = draw(grow(random.Random(1), given), 32)
    shares, rejected = meter(to_float(from_picture(picture, 32, 3))[None])
    assert meter.classes[int(shares.argmax())] == petals
    assert shares.sum() == pytest.approx(1.0)
    assert not rejected.any()


def test_a_picture_without_a_flower_is_rejected(meter):
    shares, rejected = meter(torch.full((2, 3, 32, 32), 0.2))
    assert rejected.all()
    assert shares.sum() == 0
