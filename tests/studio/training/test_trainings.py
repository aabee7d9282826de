"""Trainings as processes: one at a time, stopped and saved, found again, followed by files."""

import json
import sys
import time

import pytest
from tiny_run import tiny_run

from ddpm_clip.errors import Busy, MissingInput
from ddpm_clip.studio.training import progress, trainings
from ddpm_clip.studio.training.command import TrainingOptions
from ddpm_clip.studio.training.following import RunFollower
from ddpm_clip.studio.training.trainings import Trainings
from ddpm_clip.utils.locks import holding

PROGRAM = """
import json, pathlib, signal, sys, time
sys.path[:0] = {path!r}
from ddpm_clip.utils.locks import locked
folder = pathlib.Path(sys.argv[sys.argv.index("--out") + 1] if "--out" in sys.argv else sys.argv[2])
if "fail" in sys.argv[2]:
    sys.exit("error: no images found in " + str(folder.parents[1] / "data"))
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
with locked(folder, RuntimeError):
    for step in range(1, 1000):
        with open(folder / "history.jsonl", "a") as file:
            file.write(json.dumps(dict(step=step, loss=1 / step, heldout_loss=None, seconds=0.1,
                                       images_per_second=10)) + "\\n")
        if asked:
            (folder / "checkpoints" / f"step-{{step:09d}}").mkdir(parents=True)
            sys.exit(143)
        time.sleep(0.01)
"""
"""Stands for `ddpm-clip train`: it locks, writes its history, and saves when asked to stop."""


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Trainings whose processes are the program above."""
    text = PROGRAM.format(path=sys.path)
    monkeypatch.setattr(trainings, "executed", lambda words: [sys.executable, "-c", text, *words])
    made = Trainings(tmp_path / "runs")
    yield made
    for _ in range(2):
        made.close()


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


@pytest.mark.slow
def test_one_at_a_time_and_stopping_saves(started):
    one = started.start(TrainingOptions("drawn-flowers", steps=999), "Roses & Co", "drawn flowers")
    assert (one.state, one.note.name, one.saved) == ("running", "Roses & Co", None)
    with pytest.raises(Busy, match="another training"):
        started.start(TrainingOptions("drawn-flowers"), "second", "drawn flowers")
    follower = RunFollower(started, one)
    until(lambda: any(name == "step" for name, _, _ in follower.look()))
    found_again = Trainings(started.root)  # a studio that was started anew
    assert found_again.running.note.id == one.note.id
    found_again.stop(one.note.id)
    until(lambda: started.running is None)
    ended = started.training(one.note.id)
    assert (ended.state, ended.note.code) == ("stopped", 143)
    assert ended.saved
    name, _, facts = follower.look()[-1]
    assert (name, facts["code"], follower.over) == ("ended", 143, True)
    again = started.resume(one.note.id, steps=2000)
    assert again.state == "running"
    assert again.note.command.endswith("--steps 2000")


@pytest.mark.slow
def test_a_stop_before_the_program_listens_for_it_is_no_failure(started, monkeypatch):
    """As while a training that was just resumed still loads its packages."""
    sleeping = [sys.executable, "-c", "import time; time.sleep(100)"]
    monkeypatch.setattr(trainings, "executed", lambda words: sleeping)
    one = started.start(TrainingOptions("drawn-flowers"), "", "drawn flowers")
    started.stop(one.note.id)
    until(lambda: started.running is None)
    assert started.training(one.note.id).state == "stopped"


@pytest.mark.slow
def test_a_failure_is_told_in_its_own_words_without_the_folders_of_this_machine(started, tmp_path):
    one = started.start(TrainingOptions("fail"), "", "photos")
    until(lambda: started.running is None)
    failed = started.training(one.note.id)
    assert (failed.state, failed.note.code, failed.note.name) == ("failed", 1, "photos")
    assert failed.said == "error: no images found in data"
    with pytest.raises(MissingInput, match="resumed"):
        started.resume(one.note.id)
    assert Trainings(started.root).training(one.note.id).state == "failed"


def test_a_note_cannot_name_a_folder_elsewhere(tmp_path):
    note = {
        "id": "a" * 32,
        "folder": "../elsewhere",
        "name": "x",
        "source": "",
        "command": "",
        "started": "",
    }
    (tmp_path / "x.json").write_text(json.dumps(note), encoding="utf-8")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    assert Trainings(tmp_path).all() == []


def test_a_lock_that_a_killed_process_left_is_not_held(tmp_path):
    assert holding(tmp_path) is None
    (tmp_path / "lock").write_text(' {"pid": 1, "host": "here", "since": "now"}', encoding="utf-8")
    assert holding(tmp_path) is None


def test_loss_rows_are_read_as_they_come_and_anew_after_a_resume(tmp_path):
    rows, path = progress.LossRows(tmp_path), tmp_path / "history.jsonl"
    assert rows.read() == []
    path.write_text('{"step": 1, "loss": 4}\n{"step": 2, "lo', encoding="utf-8")
    assert [row["step"] for row in rows.read()] == [1]
    with path.open("a", encoding="utf-8") as file:
        file.write('ss": 3}\n{"step": 3, "loss": null}\n')
    assert [row["step"] for row in rows.read()] == [2, 3]
    path.write_text('{"step": 1, "loss": 4}\n', encoding="utf-8")
    assert [row["step"] for row in rows.read()] == [1]


def test_how_far_and_how_long_still():
    rows = [
        {
            "step": step,
            "loss": step,
            "heldout_loss": 9 if step == 2 else None,
            "images_per_second": 10,
            "seconds": seconds,
        }
        for step, seconds in ((1, 2.0), (2, 4.0), (3, 1.0), (4, 3.0))  # resumed before step 3
    ]
    facts = progress.step_facts(rows, 14)
    assert facts == {
        "step": 4,
        "of": 14,
        "loss": 2.5,
        "heldout": 9,
        "images_per_second": 10,
        "eta": 20,
    }
    assert progress.step_facts([{"step": 1, "loss": None}], None)["loss"] is None


def test_a_long_curve_is_thinned_to_means(monkeypatch):
    monkeypatch.setattr(progress, "LONGEST", 2)
    rows = [{"step": i, "loss": i, "heldout_loss": 5 if i == 1 else None} for i in range(1, 5)]
    rows.append({"step": 5, "loss": None})
    assert progress.curve(rows) == [
        {"step": 2, "loss": 1.5, "heldout": 5},
        {"step": 4, "loss": 3.5},
    ]


def test_a_run_of_any_kind_can_be_looked_at(tmp_path):
    run = tiny_run(tmp_path / "tiny")
    (run.folder / "samples").mkdir()
    for name in ("step-000250.png", "step-001000.png", "notes.txt"):
        (run.folder / "samples" / name).touch()
    assert progress.total_steps(run.folder) == 4
    assert progress.sample_steps(run.folder) == [250, 1000]
    assert progress.newest_facts(run.folder, 4)["step"] is None
    assert progress.total_steps(tmp_path / "none") is None
