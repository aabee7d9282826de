"""The history files of a run: what was measured by noise level, and what a resume removes."""

import pytest

from ddpm_clip.runs import history
from ddpm_clip.types import NoiseBin, TrainStep
from tests.tiny_run import tiny_run

BINS = (NoiseBin(0.1, 0.5, 2, 1.0, 3.0), NoiseBin(0.6, 2.0, 6, 0.5, 1.0))


def step(i, measured=False):
    rest = (0.8, BINS) if measured else ()
    return TrainStep(i, 0.1, 1.0, 1e-3, 10.0, 1.0, *rest)


def test_a_measured_step_leaves_its_losses_by_noise_and_others_only_their_line(tmp_path):
    run = tiny_run(tmp_path / "run")
    run.append_history([step(1), step(2, measured=True), step(3)])
    assert [row["step"] for row in run.history()] == [1, 2, 3]
    assert "noise_bins" not in run.history()[1]
    (row,) = run.heldout_history()
    assert (row["step"], row["loss"]) == (2, 0.8)
    assert row["loss_without_condition"] == pytest.approx(1.5)
    assert row["bins"][0]["with_condition"] == 1.0
    assert row["bins"][1] == {
        "sigma_low": 0.6,
        "sigma_high": 2.0,
        "n": 6,
        "with_condition": 0.5,
        "without_condition": 1.0,
    }


def test_a_resume_removes_what_will_be_measured_again(tmp_path):
    run = tiny_run(tmp_path / "run")
    run.append_history([step(i, measured=True) for i in (1, 2, 3)])
    history.append_rows(run.folder / history.SUCCESS, [{"step": i} for i in (1, 3)])
    run.cut_history(2)
    assert [row["step"] for row in run.history()] == [1, 2]
    assert [row["step"] for row in run.heldout_history()] == [1, 2]
    assert [row["step"] for row in history.read(run.folder / history.SUCCESS)] == [1]


def test_a_run_that_measured_nothing_has_no_file_of_it(tmp_path):
    run = tiny_run(tmp_path / "run")
    run.append_history([step(1)])
    run.cut_history(1)
    assert not (run.folder / history.HELDOUT).exists()
    assert not (run.folder / history.SUCCESS).exists()
