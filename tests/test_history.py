"""The history of a run grows by lines, survives a torn one, and can be cut back."""

from itertools import pairwise

import pytest

from ddpm_clip.config.schema import Config
from ddpm_clip.runs.run import Run
from ddpm_clip.types import TrainStep


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "run", Config())


def line(step):
    return TrainStep(step, step / 10, 1.0 / step, 1e-3, 100.0, 0.1 * step, None)


def test_history_grows_line_by_line(run):
    run.append_history([line(1), line(2)])
    run.append_history([line(3)])
    rows = run.history()
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert set(rows[0]) == {
        "step",
        "epoch",
        "loss",
        "lr",
        "images_per_second",
        "seconds",
        "heldout_loss",
    }


@pytest.mark.parametrize("torn", ['{"step": 3, "lo', "{", "\x00\x00\x00"])
def test_a_torn_last_line_is_left_out(run, torn):
    run.append_history([line(1), line(2)])
    with open(run.history_path, "a", encoding="utf-8") as file:
        file.write(torn)
    assert [row["step"] for row in run.history()] == [1, 2]


def test_history_can_be_cut_back_to_a_step(run):
    run.append_history([line(step) for step in range(1, 6)])
    run.cut_history(3)
    run.append_history([line(4)])
    assert [row["step"] for row in run.history()] == [1, 2, 3, 4]
    assert all(one["step"] < other["step"] for one, other in pairwise(run.history()))
