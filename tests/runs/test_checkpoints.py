"""A checkpoint is whole or it is none; what is damaged is told, set aside, never gone on from."""

import hashlib
import json
import os
import shutil

import pytest
import torch

from ddpm_clip.errors import DataError, StorageError
from ddpm_clip.runs.checkpoints import (
    Checkpoint,
    check_room,
    newest,
    path_of,
    prune,
    publish,
    published_steps,
    read,
    set_damaged_aside,
    verified,
)


def checkpoint(step):
    weights = {"w": torch.full((4, 4), float(step))}
    return Checkpoint(step, {"model": weights, "ema": {"w": weights["w"] / 2}}, {"best": None})


@pytest.fixture
def home(tmp_path):
    for step in (5, 10):
        publish(tmp_path / "checkpoints", checkpoint(step))
    return tmp_path / "checkpoints"


def manifest_of(home, step):
    path = path_of(home, step) / "manifest.json"
    return path, json.loads(path.read_text())


def cut(home, step):
    path = path_of(home, step) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def test_the_manifest_holds_the_sha_256_of_every_file(home):
    _, facts = manifest_of(home, 10)
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in path_of(home, 10).iterdir()
        if path.name != "manifest.json"
    }
    assert facts["sha256"] == files
    assert files.keys() == {"model.safetensors", "ema.safetensors", "state.json"}
    assert verified(path_of(home, 10)) == files.keys()


@pytest.mark.parametrize("names", [[], ["model.safetensors"], ["state.json", "model.safetensors"]])
def test_a_manifest_that_does_not_list_every_file_proves_nothing(home, names):
    path, facts = manifest_of(home, 10)
    path.write_text(json.dumps(facts | {"sha256": {k: facts["sha256"][k] for k in names}}))
    with pytest.raises(StorageError, match="damaged"):
        read(path_of(home, 10))


def test_a_manifest_that_points_elsewhere_is_damaged(home, tmp_path):
    (tmp_path / "secret").write_text("x")
    path, facts = manifest_of(home, 10)
    facts["sha256"]["../../secret"] = hashlib.sha256(b"x").hexdigest()
    path.write_text(json.dumps(facts))
    with pytest.raises(StorageError, match="damaged"):
        read(path_of(home, 10))


def test_a_whole_checkpoint_under_another_step_is_damaged(home):
    shutil.copytree(path_of(home, 5), path_of(home, 15))
    with pytest.raises(StorageError) as refused:
        read(path_of(home, 15))
    assert "it states another step: 5" in refused.value.why


def test_a_group_that_is_asked_for_and_not_there_is_damage(home):
    with pytest.raises(StorageError) as refused:
        read(path_of(home, 10), ["optimizer"])
    assert "optimizer.safetensors" in refused.value.why


def test_a_newer_format_is_refused_by_its_maker_and_not_passed_over(home):
    path, facts = manifest_of(home, 10)
    for later in (facts["format"] + 1, 99):
        path.write_text(json.dumps(facts | {"format": later, "ddpm_clip": "9.9"}))
        with pytest.raises(DataError, match=r"made by ddpm_clip 9\.9") as refused:
            newest(home)
        assert "upgrade" in refused.value.fix


def test_a_checkpoint_without_the_later_keys_opens(home):
    path, facts = manifest_of(home, 10)
    del facts["ddpm_clip"]
    path.write_text(json.dumps(facts))
    assert newest(home).step == 10


def test_damaged_newest_ones_are_set_aside_so_that_the_newest_name_is_whole(home):
    publish(home, checkpoint(15))
    for step in (10, 15):
        cut(home, step)
    with pytest.warns(UserWarning, match="damaged-0000.*falling back to step 5") as told:
        set_damaged_aside(home)
    assert len(told) == 2
    assert published_steps(home) == [5]
    assert sorted(os.listdir(home)) == ["damaged-000010", "damaged-000015", "step-000005"]
    assert newest(home).step == 5


def test_where_all_are_damaged_nothing_is_touched(home):
    for step in (5, 10):
        cut(home, step)
    set_damaged_aside(home)
    assert published_steps(home) == [5, 10]
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(StorageError, match="every"):
        newest(home)


def test_a_damaged_one_goes_when_all_that_is_kept_is_newer(home):
    cut(home, 10)
    with pytest.warns(UserWarning, match="damaged"):
        set_damaged_aside(home)
    publish(home, checkpoint(10))
    prune(home, keep={5, 10})
    assert "damaged-000010" in os.listdir(home)
    for step in (15, 20):
        publish(home, checkpoint(step))
    prune(home, keep={15, 20})
    assert sorted(os.listdir(home)) == ["step-000015", "step-000020"]


def test_too_little_room_is_told_with_what_is_needed_and_what_is_free(home):
    with pytest.raises(StorageError, match="cannot write the checkpoints") as refused:
        check_room(home, 1000, 10**15)
    assert "MiB are needed" in refused.value.why
    assert "MiB are free" in refused.value.why
    assert "step 10 is intact" in refused.value.fix
    assert refused.value.exit_code == 74
    check_room(home, 1000, 2)
    assert sorted(os.listdir(home)) == ["step-000005", "step-000010"]


def test_a_run_folder_that_was_taken_away_is_not_made_again(home):
    shutil.rmtree(home.parent)
    with pytest.raises(StorageError, match="cannot save"):
        publish(home, checkpoint(15))
    assert not home.parent.exists()
