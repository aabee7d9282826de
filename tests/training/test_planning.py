"""Which size, network and steps a training of given minutes gets, and what it says about them."""

import pytest

from ddpm_clip.config.resolve import resolve
from ddpm_clip.config.schema import Config
from ddpm_clip.errors import UsageError
from ddpm_clip.training.planning import expectations, planning
from ddpm_clip.training.planning.calibration import seconds_per_step
from ddpm_clip.training.planning.candidates import CANDIDATES, fitting
from ddpm_clip.training.planning.expectations import Budget, expected, known_budgets
from ddpm_clip.training.planning.planning import plan_training
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.resizing import Size


class Pictures:
    """A source of equal pictures that knows only their number and size."""

    def __init__(self, n, side):
        self.n, self.side = n, side

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        from PIL import Image

        return Image.new("RGB", (self.side, 2 * self.side))


def planned(monkeypatch, n=5000, side=500, minutes=30.0, speed=1.0, given=(), **flags):
    """The plan where a step costs (width x side / 2048)^2 tenths of a second / speed."""
    monkeypatch.setattr(planning, "open_data", lambda *_, **__: Pictures(n, side))
    measured = []

    def seconds(config: Config, budget, processes, clock):
        size = max(config.data.image_size) / config.model.stem * 2
        measured.append((config.model.down_chs[-1], max(config.data.image_size), budget))
        return 0.1 / speed * (config.model.down_chs[-1] * size / 6144) ** 2

    monkeypatch.setattr(planning, "seconds_per_step", seconds)
    config, _ = resolve(flags={"training.minutes": minutes, **flags}, environ={})
    return finish(plan_training(config, given)), measured


def test_more_time_gives_a_larger_network_and_then_larger_pictures(monkeypatch):
    found = [planned(monkeypatch, n=20_000, minutes=one)[0].config for one in (0.5, 5, 30, 20_000)]
    assert [one.model.down_chs for one in found] == [
        (64, 96, 128),
        (64, 128, 192),
        (64, 128, 192),
        (128, 256, 384),
    ]
    assert [max(one.data.image_size) for one in found] == [32, 32, 64, 64]
    assert found[3].training.batch_size == 128


def test_the_steps_are_those_that_fit(monkeypatch):
    plan, measured = planned(monkeypatch, minutes=5)
    assert plan.config.training.steps == pytest.approx(300 / 0.1, abs=1)
    assert plan.config.training.warmup == 150
    assert sum(budget for *_, budget in measured) <= planning.CALIBRATION
    twice, _ = planned(monkeypatch, minutes=5, speed=1.2)
    assert twice.config.training.steps == pytest.approx(3600, abs=1)


def test_a_short_training_warms_up_and_measures_in_proportion(monkeypatch):
    plan, measured = planned(monkeypatch, minutes=0.5)
    options = plan.config.training
    assert options.warmup <= options.steps // 20 + 5
    assert options.checkpoint_every <= options.steps // 4
    assert sum(budget for *_, budget in measured) <= 6 * 0.5, "a tenth of the time"


def test_few_pictures_get_a_small_network_and_small_ones_are_not_enlarged(monkeypatch):
    few, _ = planned(monkeypatch, n=300, minutes=600)
    assert few.config.model.down_chs == (64, 96, 128)
    assert few.config.model.dropout == 0.1
    small, _ = planned(monkeypatch, side=32, minutes=600)
    assert max(small.config.data.image_size) == 32


def test_what_is_given_stays(monkeypatch):
    flags = {"data.image_size": 48, "training.warmup": 7}
    plan, measured = planned(monkeypatch, minutes=600, given=flags.keys(), **flags)
    assert plan.config.data.image_size == Size(48, 48)
    assert plan.config.training.warmup == 7
    assert {side for _, side, _ in measured} == {48}
    assert not plan.chosen.keys() & flags.keys()
    flags = {"model.down_chs": (16, 32)}
    plan, measured = planned(monkeypatch, minutes=600, given=flags.keys(), **flags)
    assert plan.config.model.down_chs == (16, 32)
    assert {width for width, *_ in measured} == {32}
    assert plan.config.model.dropout == 0.0


def test_the_plan_says_what_it_chose_and_why(monkeypatch):
    plan, _ = planned(monkeypatch, minutes=5)
    text = "\n".join(plan.lines())
    assert "5 min" in text
    assert "32x32" in text
    assert "about 3,000 steps of 64 pictures" in text
    assert "default network at 64 pixels" in text
    assert "are too few (it needs 4,000)" in text
    assert plan.as_dict()["trials"][-1]["steps"] < 4000


def test_without_minutes_there_is_nothing_to_plan():
    with pytest.raises(UsageError, match="nothing to plan"):
        finish(plan_training(Config()))


def test_candidates_grow_more_demanding():
    assert [one.side for one in CANDIDATES] == sorted(one.side for one in CANDIDATES)
    assert [one.steps for one in CANDIDATES] == sorted(one.steps for one in CANDIDATES)
    assert fitting(None, False, 1, 1) == [CANDIDATES[0]]


@pytest.mark.slow
def test_a_larger_network_is_measured_as_slower():
    config = Config.model_validate(
        {"model": {"down_chs": (8, 8), "blocks": 1}, "training": {"batch_size": 4, "device": "cpu"}}
    )
    wide = config.model_copy(
        update={"model": config.model.model_copy(update={"down_chs": (96, 192)})}
    )
    assert 0 < seconds_per_step(config, 0.2) < seconds_per_step(wide, 0.2)


def test_a_plan_says_the_nearest_measured_budget_and_only_a_near_one(monkeypatch):
    rows = [Budget(n, 32, 3670, "flowers", n / 1e6, 500, "x.json") for n in (100_000, 400_000)]
    assert expected(300_000, 32, rows) is rows[1]
    assert expected(130_000, 32, rows) is rows[0]
    assert expected(900_000, 32, rows) is None
    assert expected(100_000, 128, rows) is None
    assert expected(1, 32, []) is None
    monkeypatch.setattr(planning, "known_budgets", lambda: rows)
    plan, _ = planned(monkeypatch, minutes=5)  # 3,000 steps of 64
    assert "10 % of prompts painted as asked (n = 500; x.json)" in plan.lines()[-1]


def test_every_measured_budget_names_a_result_that_is_there():
    home = planning.__file__.split("/src/")[0]
    from pathlib import Path

    for row in known_budgets():
        assert (Path(home) / "benchmarks" / "results" / row.result).is_file()
        assert 0 <= row.success <= 1
    assert isinstance(known_budgets(), list)
    assert expectations.NEAR > 1
