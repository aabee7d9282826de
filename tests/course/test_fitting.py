"""The training loop of the lessons, their pictures, and their judges."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ddpm_clip.course.answers import ANSWERS
from ddpm_clip.course.bricks import Bricks, BrickUNet
from ddpm_clip.course.fitting import FitOptions, OwnParts, fit, heldout_errors, rate, recipe
from ddpm_clip.course.pictures import Pictures, digits, flowers
from ddpm_clip.course.reading import accepted, read, right, saturated
from ddpm_clip.data.sources import DIGITS
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.errors import UsageError
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.utils.tensors import to_float
from ddpm_clip.weights.licence import read_notices

ROOT = Path(__file__).resolve().parents[2]
SMALL = FitOptions(batch=8)


def toy(seed=0):
    torch.manual_seed(seed)
    return BrickUNet(Bricks(), 50, 1, 8, (8, 8, 8), 2)


def pixels(n=20):
    drawn = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (n, 1, 8, 8), generator=drawn, dtype=torch.uint8)


def trained(steps=3, options=SMALL, parts=None, conditions=None):
    network = toy()
    ddpm = DDPM(NoiseSchedule.from_betas(torch.linspace(1e-3, 0.2, 50)))
    losses = [
        step.loss
        for step in fit(
            network, ddpm, pixels(), conditions, steps=steps, options=options, parts=parts
        )
    ]
    return network, losses


@pytest.mark.slow
def test_the_same_seed_gives_the_same_training():
    (a, losses), (b, again) = trained(), trained()
    assert losses == again
    for one, other in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert trained(options=FitOptions(batch=8, seed=1))[1] != losses


@pytest.mark.slow
def test_a_few_steps_lower_the_loss_of_one_picture():
    network = toy()
    ddpm = DDPM(NoiseSchedule.from_betas(torch.linspace(1e-3, 0.2, 50)), parameterization="x_0")
    options = FitOptions(batch=16, timestep=40.0, average=False)
    losses = [step.loss for step in fit(network, ddpm, pixels(1), steps=40, options=options)]
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    assert not network.training


@pytest.mark.slow
def test_the_student_own_parts_are_used():
    calls = []

    def loss(*given):
        calls.append(len(given))
        return ANSWERS["6.6"](*given)

    def mask(b, drop, generator):
        calls.append("mask")
        return ANSWERS["4.1"](b, drop, generator)

    conditions = torch.randn(20, 2, generator=torch.Generator().manual_seed(2))
    _, own = trained(parts=OwnParts(loss, mask), conditions=conditions)
    assert calls == ["mask", 8] * 3
    _, ours = trained(conditions=conditions)
    assert own == pytest.approx(ours, rel=1e-4), "right answers train as the library does"


def test_the_rate_rises_stays_and_falls_but_never_to_nothing():
    rates = [rate(step, 200) for step in range(1, 201)]
    assert rates[0] == pytest.approx(1 / 30)
    assert rates[60] == 1.0
    assert 0 < rates[-1] < 0.05
    assert all(0 < rate(step, 2) <= 1 for step in (1, 2))


@pytest.mark.parametrize(("size", "sigma_data"), [(16, 0.5), (28, 0.6)])
def test_the_recipe_fits_its_pictures(size, sigma_data):
    network, ddpm = recipe(1, size, 3, sigma_data=sigma_data)
    assert network.image_shape == (1, size, size)
    assert ddpm.level_options["p_mean"] == (-0.4 if sigma_data > 0.5 else -0.6)


def test_heldout_errors_compare_picture_by_picture():
    ddpm = DDPM(NoiseSchedule.from_betas(torch.linspace(1e-3, 0.2, 50)))
    first, again = (heldout_errors(toy(), ddpm, pixels(6)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == (6,)
    assert not torch.equal(first, heldout_errors(toy(1), ddpm, pixels(6)))


def test_painted_digits_are_balanced_and_in_order(monkeypatch):
    monkeypatch.setenv("COURSE_REAL", "0")
    some = digits(40)
    assert some.pixels.shape == (40, 1, 28, 28)
    assert some.pixels.dtype == torch.uint8
    assert [one["digit"] for one in some.facts] == [DIGITS[i % 10] for i in range(40)]
    assert some.values("digit") == list(DIGITS)
    assert some.one_hot("digit").argmax(1).tolist() == [i % 10 for i in range(40)]
    assert "painted" in some.origin
    with pytest.raises(UsageError, match="1500 painted digits, not 1501"):
        digits(1501)


@pytest.mark.slow
def test_the_pack_is_small_and_the_judge_reads_it():
    some = digits(200, real=False)
    x = to_float(some.pixels)
    share = float(right("digits", x, [one["digit"] for one in some.facts]).float().mean())
    assert share >= 0.95
    assert read("digits", x[6:7]) == ["six"]
    noise = torch.randn(20, 1, 28, 28, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    assert float(accepted("digits", noise).float().mean()) < 0.2


def test_the_pack_says_whose_work_it_comes_from():
    notices = read_notices(ROOT / "src" / "ddpm_clip" / "course" / "data")
    assert [notice["licence"] for notice in notices] == ["CC-BY-SA-3.0"]
    assert "MNIST" in notices[0]["attribution"]


@pytest.mark.data
@pytest.mark.slow
def test_real_digits_are_taken_where_they_are(data_root, monkeypatch):
    monkeypatch.setenv("DDPM_CLIP_DATA", str(data_root))
    monkeypatch.delenv("COURSE_SMOKE", raising=False)
    monkeypatch.setenv("COURSE_REAL", "1")
    some = digits(30)
    assert some.origin == "MNIST"
    assert [one["digit"] for one in some.facts] == [DIGITS[i % 10] for i in range(30)]
    monkeypatch.setenv("COURSE_SMOKE", "1")
    assert "painted" in digits(30).origin


def test_flowers_come_with_their_facts_and_are_the_same_each_time():
    some = flowers(6, 16, seed=3)
    assert torch.equal(some.pixels, flowers(6, 16, seed=3).pixels)
    assert set(some.facts[0]) >= {"species", "petals", "count"}
    first, last = some.split(2)
    assert (len(first), len(last)) == (4, 2)
    assert torch.equal(last.pixels, some.pixels[4:])
    with pytest.raises(UsageError, match="hold out 6 of 6"):
        some.split(6)


def test_labels_number_the_values_in_order():
    made = Pictures(torch.zeros(3, 1, 2, 2), [{"digit": w} for w in ("six", "one", "six")], "")
    assert made.values("digit") == ["one", "six"]
    assert made.labels("digit").tolist() == [1, 0, 1]


def test_saturation_counts_the_ends():
    assert saturated(torch.tensor([-1.0, 0.0, 0.5, 1.0])) == 0.5


@pytest.mark.slow
def test_painting_the_pack_again_gives_the_same_form(tmp_path, monkeypatch, capsys):
    out = tmp_path / "pack.npz"
    monkeypatch.setattr(sys, "argv", ["paint", "--each", "1", "--out", str(out)])
    script = runpy.run_path(str(ROOT / "scripts" / "paint_course_digits.py"))
    script["main"]()
    with np.load(out) as pack:
        assert pack["images"].shape == (10, 28, 28)
        assert pack["labels"].tolist() == list(range(10))
    assert "read as asked by the judge" in capsys.readouterr().out
