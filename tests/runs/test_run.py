"""A run folder is whole after any crash, has one writer, and never mixes two trainings."""

import hashlib
import json
import os
import subprocess
import sys

import pytest
import torch

from ddpm_clip.config.schema import Config
from ddpm_clip.errors import Busy, CannotCreate, ConfigError, MissingInput, StorageError
from ddpm_clip.runs import checkpoints
from ddpm_clip.runs.checkpoints import Checkpoint
from ddpm_clip.runs.run import Run


def config(**training):
    return Config.model_validate({"training": {"keep_last": 2, **training}})


def checkpoint(step):
    weights = {"w": torch.full((2, 3), float(step)), "n": torch.tensor(step)}
    return Checkpoint(step, {"model": weights, "ema": {"w": weights["w"] / 2}}, {"best": None})


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "run", config())


def damage(run, step, name="model.safetensors"):
    path = run.checkpoint_path(step) / name
    path.write_bytes(path.read_bytes()[:-1])


# Checkpoints


def test_a_checkpoint_comes_back_as_it_was_saved(run):
    run.save(checkpoint(5))
    again = run.load()
    assert again.step == 5
    assert torch.equal(again.tensors["model"]["w"], torch.full((2, 3), 5.0))
    assert again.tensors["model"]["n"].dtype == torch.int64
    assert again.state["best"] is None


def test_only_the_asked_groups_are_read(run):
    run.save(checkpoint(5))
    assert set(run.load(groups=["ema"]).tensors) == {"ema"}


def test_a_run_without_a_checkpoint_has_none(run):
    assert run.load() is None
    assert run.checkpoint_steps() == []


def test_a_step_that_was_never_saved_is_named_with_those_that_were(run):
    run.save(checkpoint(5))
    with pytest.raises(MissingInput, match="no checkpoint of step 7") as refused:
        run.load(7)
    assert "its checkpoints: 5" in str(refused.value)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "ema.safetensors", "state.json", "manifest.json"]
)
def test_a_damaged_newest_checkpoint_falls_back_with_a_warning(run, name):
    run.save(checkpoint(5))
    run.save(checkpoint(10))
    damage(run, 10, name)
    with pytest.warns(UserWarning, match="damaged.*|falling back"):
        assert run.load().step == 5


@pytest.mark.parametrize("name", ["model.safetensors", "state.json", "manifest.json"])
def test_a_checkpoint_that_lost_a_file_is_damaged_too(run, name):
    run.save(checkpoint(5))
    run.save(checkpoint(10))
    (run.checkpoint_path(10) / name).unlink()
    with pytest.warns(UserWarning, match="falling back"):
        assert run.load().step == 5


def test_one_flipped_bit_is_found(run):
    run.save(checkpoint(5))
    path = run.checkpoint_path(5) / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(StorageError, match="SHA-256"):
        run.load(5)


def test_when_every_checkpoint_is_damaged_nothing_is_loaded(run):
    run.save(checkpoint(5))
    damage(run, 5)
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(StorageError, match="every"):
        run.load()


def test_the_newest_and_the_best_are_kept(run):
    for step in (1, 2, 3, 4, 5):
        run.save(checkpoint(step), best=step == 2)
    assert run.checkpoint_steps() == [2, 4, 5]
    assert run.best_step() == 2
    run.save(checkpoint(6), best=True)
    assert run.checkpoint_steps() == [5, 6]


def test_at_least_two_are_kept_so_that_there_is_one_to_fall_back_to(tmp_path):
    run = Run.create(tmp_path / "run", config(keep_last=1))
    for step in (1, 2, 3):
        run.save(checkpoint(step))
    assert run.checkpoint_steps() == [2, 3]


def test_a_crash_while_saving_leaves_the_checkpoints_before_it(run, monkeypatch):
    run.save(checkpoint(5))

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save", full_disk)
    with pytest.raises(StorageError, match="No space left") as refused:
        run.save(checkpoint(10))
    assert "intact" in refused.value.fix
    assert refused.value.exit_code == 74
    assert run.checkpoint_steps() == [5]
    assert run.load().step == 5
    assert sorted(os.listdir(run.checkpoints_folder)) == ["step-000005"], "nothing half-written"


def test_a_half_written_checkpoint_is_no_checkpoint_and_is_swept_by_the_next_writer(run):
    run.save(checkpoint(5))
    leftover = run.checkpoints_folder / ".tmp-step-000010"
    leftover.mkdir()
    (leftover / "model.safetensors").write_bytes(b"torn")
    assert run.load().step == 5
    with run.writing():
        assert not leftover.exists()


def test_a_foreign_folder_among_the_checkpoints_is_left_alone(run):
    run.save(checkpoint(5))
    (run.checkpoints_folder / "step-000005 (copy)").mkdir()
    assert run.checkpoint_steps() == [5]
    assert run.load().step == 5


def test_saving_a_step_again_replaces_it(run):
    run.save(checkpoint(5))
    other = checkpoint(5)
    other.tensors["model"]["w"].fill_(-1)
    run.save(other)
    assert (run.load().tensors["model"]["w"] == -1).all()


def test_a_pickle_in_the_place_of_weights_is_refused_unread(run, tmp_path):
    run.save(checkpoint(5))
    trap = tmp_path / "trap"
    payload = b"cos\nsystem\n(S'touch " + str(trap).encode() + b"'\ntR."
    path = run.checkpoint_path(5)
    (path / "model.safetensors").write_bytes(payload)
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["sha256"]["model.safetensors"] = hashlib.sha256(payload).hexdigest()
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StorageError, match="damaged"):
        run.load(5)
    assert not trap.exists()


# One writer


HOLD = """
import sys
from ddpm_clip.runs.run import Run
with Run.open(sys.argv[1]).writing():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_a_second_process_is_told_who_holds_the_run(run):
    command = [sys.executable, "-c", HOLD, str(run.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Busy, match="is being written") as refused, run.writing():
            pass
        assert f"process {other.pid}" in refused.value.why
        assert refused.value.exit_code == 75
        other.kill()  # no clean-up runs: the lock must not outlive its holder
        other.wait()
    with run.writing():
        pass


def test_the_next_writer_prunes_what_a_killed_save_had_no_time_for(run):
    for step in (1, 2, 3, 4):  # as `save` leaves them where it is killed before it prunes
        checkpoints.publish(run.checkpoints_folder, checkpoint(step))
    run.note_best(1)
    with run.writing():
        assert run.checkpoint_steps() == [1, 3, 4]


def test_the_next_writer_sets_a_damaged_newest_checkpoint_aside(run):
    run.save(checkpoint(5))
    run.save(checkpoint(10))
    damage(run, 10)
    with pytest.warns(UserWarning, match="falling back to step 5"), run.writing():
        assert run.checkpoint_steps() == [5]
    with run.writing():
        assert run.load().step == 5


def test_the_lock_is_released_by_an_error(run):
    with pytest.raises(KeyError), run.writing():
        raise KeyError
    with run.writing():
        pass


# The folder


def test_a_new_run_remembers_its_config(tmp_path):
    settings = config(steps=77, lr=1e-4)
    Run.create(tmp_path / "a" / "b", settings)
    assert Run.open(tmp_path / "a" / "b").config == settings


def test_the_same_config_continues_the_run(run):
    run.save(checkpoint(5))
    assert Run.create(run.folder, config()).load().step == 5


def test_what_may_change_changes(run):
    longer = config(steps=9999, checkpoint_every=7, threads=1)
    assert Run.create(run.folder, longer).config.training.steps == 9999
    assert Run.open(run.folder).config.training.steps == 9999


@pytest.mark.parametrize("change", [{"lr": 5e-4}, {"seed": 3}, {"batch_size": 8}], ids=str)
def test_another_training_in_the_same_folder_is_refused_by_key(run, change):
    with pytest.raises(CannotCreate, match="holds another run") as refused:
        Run.create(run.folder, config(**change))
    assert refused.value.exit_code == 73
    assert refused.value.param == f"training.{next(iter(change))}"
    assert Run.open(run.folder).config == config(), "nothing was changed"


def test_a_training_elsewhere_keeps_its_config_from_the_next_command(run):
    with run.writing(), pytest.raises(Busy):
        Run.create(run.folder, config(steps=9999))
    assert Run.open(run.folder).config == config()


def test_who_holds_the_folder_says_so(run):
    with run.writing():
        assert Run.create(run.folder, config(steps=77), held=True).config.training.steps == 77


def test_what_a_run_begins_with_is_there_before_it_counts_as_one(tmp_path, monkeypatch):
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "card.json").write_text("{}")
    begin = {"facts": {"init": "flowers"}, "copies": {"embedder": tmp_path / "clip"}}

    def killed(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Run, "_write_config", killed)
        with pytest.raises(KeyboardInterrupt):
            Run.create(tmp_path / "run", config(), **begin)
    with pytest.raises(MissingInput):
        Run.open(tmp_path / "run")
    run = Run.create(tmp_path / "run", config(), **begin)
    assert run.read_json("run.json")["init"] == "flowers"
    assert (run.folder / "embedder" / "card.json").is_file()


def test_a_run_that_lost_its_config_and_has_steps_is_not_begun_anew_unasked(run):
    run.save(checkpoint(5))
    (run.folder / "config.yaml").unlink()
    with pytest.raises(CannotCreate, match="not empty"):
        Run.create(run.folder, config())
    assert run.checkpoint_steps() == [5]


def test_a_run_that_lost_its_facts_is_overwritten_whole(run):
    run.save(checkpoint(5))
    (run.folder / "run.json").unlink()
    assert Run.create(run.folder, config(lr=5e-4), overwrite=True).load() is None


def test_a_damaged_small_file_is_named(run):
    (run.folder / "best.json").write_bytes(b'{"step": \xff')
    with pytest.raises(StorageError, match=r"best\.json"):
        run.best_step()


def test_overwriting_starts_anew_and_leaves_what_is_not_ours(run):
    run.save(checkpoint(5))
    run.history_path.write_text('{"step": 1}\n')
    (run.folder / "notes.txt").write_text("mine")
    again = Run.create(run.folder, config(lr=5e-4), overwrite=True)
    assert again.load() is None
    assert again.history() == []
    assert (run.folder / "notes.txt").read_text() == "mine"


def test_overwriting_takes_away_what_was_kept_of_a_stream_unless_it_is_the_source(run):
    kept = run.folder / "pictures"
    kept.mkdir()
    (kept / "holiday.jpg").write_bytes(b"x")
    settings = config()
    Run.create(run.folder, settings, overwrite=True)
    assert (kept / "holiday.jpg").is_file()  # no stream was kept here
    (kept / "kept.json").write_text("{}")
    data = settings.data.model_copy(update={"source": f"wds:{kept}/shard-{{0..1}}.tar"})
    Run.create(run.folder, settings.model_copy(update={"data": data}), overwrite=True)
    assert (kept / "kept.json").is_file()
    Run.create(run.folder, settings, overwrite=True)
    assert not kept.exists()


def test_overwriting_a_folder_that_is_no_run_takes_nothing_away(tmp_path):
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "holiday.jpg").write_bytes(b"x")
    Run.create(tmp_path, config(), overwrite=True)
    assert (tmp_path / "samples" / "holiday.jpg").is_file()


def test_a_run_that_is_being_trained_is_not_overwritten(run):
    run.save(checkpoint(5))
    with run.writing(), pytest.raises(Busy):
        Run.create(run.folder, config(lr=5e-4), overwrite=True)
    assert Run.open(run.folder).config == config()
    assert run.checkpoint_steps() == [5]


def test_a_config_that_is_no_yaml_is_named(run):
    (run.folder / "config.yaml").write_text("training: {lr: [")
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        Run.open(run.folder)


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(CannotCreate, match="not empty") as refused:
        Run.create(tmp_path, config())
    assert "holiday.jpg" in str(refused.value)
    assert os.listdir(tmp_path) == ["holiday.jpg"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotCreate, match="is a file"):
        Run.create(tmp_path / "file", config())
    with pytest.raises(CannotCreate, match="cannot create"):
        Run.create(tmp_path / "file" / "run", config())


def test_a_folder_without_a_run_says_how_to_start_one(tmp_path):
    with pytest.raises(MissingInput, match="no run in") as refused:
        Run.open(tmp_path)
    assert "ddpm-clip train" in refused.value.fix


def test_a_config_with_a_foreign_key_is_refused(run):
    with open(run.folder / "config.yaml", "a", encoding="utf-8") as file:
        file.write("nonsense: 3\n")
    with pytest.raises(ConfigError, match="nonsense"):
        Run.open(run.folder)


def test_json_files_come_back_and_missing_ones_are_empty(run):
    run.write_json("facts.json", {"name": "Blüte", "n": 3})
    assert run.read_json("facts.json") == {"name": "Blüte", "n": 3}
    assert run.read_json("absent.json") == {}
