"""Sizes that fit the minutes, by a speed that was measured."""

import pytest

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.prompts.success import PromptCase
from ddpm_clip.evaluation.report import plan as module
from ddpm_clip.evaluation.report.plan import MOST, check_size, fitted, plan
from ddpm_clip.utils.generators import finish

TEN = [PromptCase(f"prompt {i}", {}) for i in range(10)]


def test_half_of_the_time_that_is_left_is_painted_in():
    made = fitted(TEN, minutes=1, speed=10, spent=20)  # 40 s left, 20 of them at 10 a second
    assert (made.n, len(made.cases), made.left_out) == (20, 10, 0)
    assert made.as_dict()["pictures"] == 200


def test_where_not_every_prompt_can_be_asked_once_some_are_left_out_and_told():
    made = fitted(TEN, minutes=1, speed=0.1)  # three pictures
    assert [case.prompt for case in made.cases] == ["prompt 0", "prompt 3", "prompt 6"]
    assert (made.n, made.left_out) == (1, 7)


def test_no_time_at_all_still_paints_one_and_much_time_has_an_end():
    assert fitted(TEN, minutes=0.01, speed=1, spent=99).as_dict()["pictures"] == 1
    assert fitted(TEN, minutes=1440, speed=1e6).as_dict()["pictures"] == MOST


def test_n_decides_alone_and_nothing_is_measured(tiny_tti):
    made = finish(plan(tiny_tti, TEN, n=7))
    assert (made.n, made.minutes, made.pictures_per_second) == (7, None, None)


def test_the_speed_is_that_of_the_clock(tiny_tti, monkeypatch):
    ticks = iter([0.0, 100.0, 104.0])  # begin; after the first step of four; end
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(ticks))
    made = finish(plan(tiny_tti, TEN, minutes=1, steps=4))
    # three of four steps of ten pictures took four seconds; the first, warming up, is not counted
    assert made.pictures_per_second == pytest.approx(10 * 0.75 / 4)


@pytest.mark.parametrize(
    ("n", "minutes", "said"),
    [
        (3, 1.0, "both given"),
        (0, None, "n = 0"),
        (MOST + 1, None, "out of range"),
        (None, 0.0, "minutes = 0"),
        (None, -1.0, "minutes = -1"),
        (None, float("nan"), "minutes"),
    ],
)
def test_sizes_that_cannot_be_meant(n, minutes, said):
    with pytest.raises(UsageError, match=said):
        check_size(n, minutes)
