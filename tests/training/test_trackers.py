"""Trackers: what reaches them, what a missing one says, and that a failing one stops nothing."""

import math

import pytest
from accelerate import tracking
from PIL import Image

from ddpm_clip.errors import DdpmClipWarning, UsageError
from ddpm_clip.training import trackers
from ddpm_clip.training.trackers import Trackers, check_trackers
from ddpm_clip.types import NoiseBin, TrainStep
from tests.tiny_run import tiny_run

BINS = (NoiseBin(0.1, 0.5, 2, 1.0, 3.0), NoiseBin(0.6, 2.0, 6, 0.5, 1.0))


class Recorder(tracking.GeneralTracker):
    """A tracker that keeps what it is told."""

    name, requires_logging_directory, main_process_only = "recorder", False, False
    told: list = []  # noqa: RUF012 - one list for the test

    def __init__(self, project, **rest):
        super().__init__()
        self.told.append(("project", project))

    @property
    def tracker(self):
        return self

    def store_init_configuration(self, values):
        self.told.append(("config", values))

    def log(self, values, step=None, **rest):
        self.told.append((step, values))

    def log_images(self, values, step=None, **rest):
        self.told.append((step, {name: [one.size for one in v] for name, v in values.items()}))

    def finish(self):
        self.told.append("finished")


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setitem(tracking.LOGGER_TYPE_TO_CLASS, "recorder", Recorder)
    monkeypatch.setattr(Recorder, "told", [])
    return Recorder.told


def run_with(folder, *names):
    return tiny_run(folder / "run", training={"track": names})


def report(run):
    tracked = Trackers(run)
    for at in steps(40):
        tracked.step(at)
    tracked.close()


def steps(n, start=1, measured=()):
    return [
        TrainStep(
            i,
            0.1 * i,
            math.nan if i == 2 else float(i),
            1e-3,
            50.0,
            0.1 * i,
            0.7 if i in measured else None,
            BINS if i in measured else (),
        )
        for i in range(start, start + n)
    ]


def test_losses_are_averaged_and_measured_losses_come_at_their_step(tmp_path, told):
    tracked = Trackers(run_with(tmp_path, "recorder"))
    for at in steps(14, measured=(12,)):
        tracked.step(at)
    tracked.close()
    assert told[0] == ("project", "ddpm_clip")
    assert told[1][1]["training.batch_size"] == 4
    (first, one), (second, other), (third, last), end = told[2:]
    assert (first, second, third, end) == (10, 12, 14, "finished")
    assert one["train/loss"] == pytest.approx((55 - 2) / 9), "a skipped step has no loss"
    assert one["train/pictures_per_second"] == 50
    assert other["train/loss"] == 11.5
    assert other["heldout/loss"] == 0.7
    assert other["heldout/loss_without_condition"] == pytest.approx((2 * 3 + 6 * 1) / 8)
    assert other["heldout_with_condition/1_sigma_0.1_to_0.5"] == 1.0
    assert other["heldout_without_condition/2_sigma_0.6_to_2"] == 1.0
    assert "heldout/loss" not in one.keys() | last.keys()


def test_a_sample_grid_is_reported_as_a_picture(tmp_path, told):
    Image.new("RGB", (8, 6)).save(tmp_path / "grid.png")
    tracked = Trackers(run_with(tmp_path, "recorder"))
    tracked.picture("samples", tmp_path / "grid.png", 7)
    assert told[-1] == (7, {"samples": [(8, 6)]})


def test_of_several_processes_only_the_first_reports(tmp_path, told):
    tracked = Trackers(run_with(tmp_path, "recorder"), is_first=False)
    tracked.step(steps(1, measured=(1,))[0])
    tracked.close()
    assert told == []


@pytest.mark.parametrize("place", ["__init__", "log", "finish"])
def test_a_tracker_that_fails_is_dropped_with_a_warning(tmp_path, told, monkeypatch, place):
    def broken(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(Recorder, place, broken)
    run = run_with(tmp_path, "recorder")
    with pytest.warns(DdpmClipWarning, match="recorder failed.*no route to host") as found:
        report(run)
    assert len(found) == 1


def test_an_unknown_tracker_and_one_that_is_not_installed_are_refused(monkeypatch):
    with pytest.raises(UsageError, match="unknown tracker 'tensorbord'") as error:
        check_trackers(["tensorbord"])
    assert "tensorboard" in error.value.why
    monkeypatch.setattr(tracking, "_available_trackers", [])
    for name, package in (("tensorboard", '"ddpm-clip[tensorboard]"'), ("comet_ml", "comet_ml")):
        with pytest.raises(UsageError, match=f"tracker {name} is not installed") as error:
            check_trackers([name])
        assert f"pip install {package}" in error.value.fix
    check_trackers([])


@pytest.mark.slow
def test_a_missing_tracker_ends_the_command_before_anything_is_written(tmp_path, monkeypatch, cli):
    monkeypatch.setattr(tracking, "_available_trackers", [])
    monkeypatch.chdir(tmp_path)
    ended = cli("train", "drawn-flowers:40", "--track", "wandb", "--out", "run")
    assert ended.code == 2
    assert "pip install wandb" in ended.err
    assert not (tmp_path / "run").exists() or not any((tmp_path / "run").iterdir())


@pytest.mark.slow
def test_tensorboard_shows_a_training_and_its_samples(tmp_path, monkeypatch, cli):
    """The whole way: a training by the command line, read back from the files of tensorboard."""
    pytest.importorskip("tensorboard", reason="the extra `test` has it")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.chdir(tmp_path)
    words = ["--steps", 12, "--no-animation", "--track", "tensorboard", "--preset", "flowers"]
    keys = {
        "model.down_chs": "[8,16]",
        "model.blocks": 1,
        "model.attention": 0,
        "training.batch_size": 8,
        "training.heldout_every": 4,
        "training.checkpoint_every": 6,
        "training.sample_every": 6,
        "generation.steps": 2,
        "data.image_size": 16,
        "generation.prompts": "[a red rose]",
        "training.success_every": 0,
    }
    words += [word for key, value in keys.items() for word in ("--set", f"{key}={value}")]
    ended = cli("train", "drawn-flowers:40", "--out", "run", *words)
    assert ended.code == 0, ended.err
    events = EventAccumulator(str(tmp_path / "run" / trackers.FOLDER / "tensorboard"))
    events.Reload()
    scalars = set(events.Tags()["scalars"])
    assert {"train/loss", "train/learning_rate", "train/pictures_per_second"} <= scalars
    assert {"heldout/loss", "heldout/loss_without_condition"} <= scalars
    assert sum(name.startswith("heldout_with_condition/") for name in scalars) > 1
    assert [one.step for one in events.Scalars("heldout/loss")] == [4, 6, 8, 12]
    assert [one.step for one in events.Images("samples")] == [6, 12]
    assert events.Images("samples")[0].width > 16
