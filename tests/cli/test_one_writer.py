"""Two commands on one folder: the second is told of the first, soon, and changes nothing."""

import os
import time

import pytest

from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.runs.run import Run
from ddpm_clip.utils.locks import locked


@pytest.fixture
def stopped(cli, tiny, tmp_path):
    """A run that was left after two steps."""
    assert cli("train", "--config", tiny, "--out", tmp_path / "run", "--stop-after", 2).code == 0
    return tmp_path / "run"


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_second_training_exits_75_names_the_first_and_changes_nothing(cli, tiny, stopped):
    other = ("--set", "training.checkpoint_every=9")  # which a run may change, when it is free
    with locked(stopped, RuntimeError):
        before = contents(stopped)
        began = time.monotonic()
        for words in (
            ("train", "--config", tiny, "--out", stopped, *other),
            ("resume", stopped),
            ("train", "--config", tiny, "--out", stopped, "--overwrite"),
        ):
            ended = cli(*words)
            assert ended.code == 75
            assert f"process {os.getpid()} on" in ended.err
            assert "E-BUSY" in ended.err
        assert time.monotonic() - began < 2
        assert contents(stopped) == before
    assert cli("resume", stopped).code == 0
    assert not (stopped / "lock").exists()


def test_two_trainings_on_a_new_folder_do_not_both_begin_a_run(cli, tiny, tmp_path):
    with locked(tmp_path / "run", RuntimeError):
        assert cli("train", "--config", tiny, "--out", tmp_path / "run").code == 75
        assert [path.name for path in (tmp_path / "run").iterdir()] == ["lock"]


def test_a_refused_command_leaves_no_lock_in_a_folder_of_pictures(cli, tiny, tmp_path):
    write_folder(tmp_path / "photos", 3, size=16, seed=1)
    before = contents(tmp_path)
    assert cli("train", "--config", tiny, "--out", tmp_path / "photos").code == 73
    assert contents(tmp_path) == before


def test_a_folder_that_may_not_be_written_is_told_before_anything_is_done(cli, tiny, monkeypatch):
    ended = cli("train", "--config", tiny, "--out", "/proc/nothing/run")
    assert ended.code == 73
    assert "cannot create /proc/nothing/run" in ended.err


@pytest.mark.slow
def test_two_embeddings_into_one_folder_are_not_mixed(cli, tiny, tmp_path):
    words = ("embed", "drawn-flowers:8", "--config", tiny, "--out", tmp_path / "embedded")
    with locked(tmp_path / "embedded", RuntimeError):
        assert cli(*words).code == 75
        assert cli(*words, "--shard", "0/2").code == 0, "parts are made side by side"
    with locked(tmp_path / "embedded" / "parts" / "embeddings" / "1-of-2", RuntimeError):
        assert cli(*words, "--shard", "1/2").code == 75
    assert cli(*words, "--shard", "1/2").code == 0
    assert cli(*words, "--merge").code == 0
    assert sorted(path.name for path in (tmp_path / "embedded").iterdir()) == ["embeddings"]


@pytest.mark.slow
def test_a_damaged_last_checkpoint_is_no_finished_run(cli, run, tmp_path):
    """Its steps are done again, and end in the same bits."""
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    last = Run.open(folder).checkpoint_path(4) / "model.safetensors"
    whole = last.read_bytes()
    last.write_bytes(whole[:-1])
    ended = cli("resume", folder)
    assert ended.code == 0
    assert "falling back to step 2" in ended.err
    assert last.read_bytes() == whole
