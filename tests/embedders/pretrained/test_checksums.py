"""Weights from the hub are used only if they are what was published or first downloaded."""

import json
import shutil
from pathlib import Path

import pytest
from tiny_clip import make_tiny_clip

from ddpm_clip.embedders import hub
from ddpm_clip.embedders.pretrained import checksums, known_models
from ddpm_clip.embedders.pretrained.known_models import KNOWN, WEIGHTS, KnownModel
from ddpm_clip.errors import StorageError

COMMIT = "a" * 40


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The hub's cache, empty and without a network."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def download(cache, weights: bytes, model="who/clip", commit=COMMIT):
    """What a download leaves in the cache: a snapshot with everything that a model needs."""
    root = cache / f"models--{model.replace('/', '--')}"
    shutil.rmtree(root, ignore_errors=True)
    folder = root / "snapshots" / commit
    folder.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "preprocessor_config.json"):
        (folder / name).write_text("{}")
    (folder / WEIGHTS).write_bytes(weights)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(commit)
    return folder


def publish(monkeypatch, digest: str, revision=COMMIT):
    """A table that knows `who/clip`, with this hash of its weights."""
    row = KnownModel("", revision, {WEIGHTS: digest}, 1, 8, 1.0, "MIT", "", "")
    monkeypatch.setattr(checksums, "KNOWN", {"who/clip": row})
    monkeypatch.setattr(known_models, "KNOWN", {"who/clip": row})


def test_the_hash_is_recorded_at_the_first_use(cache):
    folder = download(cache, b"weights")
    assert hub.find_folder("who/clip") == folder
    record = json.loads(checksums.record_of("who/clip", cache).read_text())
    assert record["sha256"] == {WEIGHTS: checksums.digest_of(folder / WEIGHTS)}


def test_unchanged_weights_are_found_again(cache):
    folder = download(cache, b"weights")
    assert hub.find_folder("who/clip") == hub.find_folder("who/clip") == folder


def test_changed_weights_are_refused_with_exit_code_74(cache):
    download(cache, b"weights")
    hub.find_folder("who/clip")
    download(cache, b"others!", commit="b" * 40)
    with pytest.raises(StorageError, match="not those recorded") as caught:
        hub.find_folder("who/clip")
    assert caught.value.exit_code == 74
    assert WEIGHTS in caught.value.why
    assert str(checksums.record_of("who/clip", cache)) in caught.value.fix


def test_the_record_outlives_the_downloaded_model(cache):
    download(cache, b"weights")
    hub.find_folder("who/clip")
    shutil.rmtree(cache)
    download(cache, b"others!")
    with pytest.raises(StorageError):
        hub.find_folder("who/clip")


def test_whoever_deletes_the_record_accepts_the_change(cache):
    download(cache, b"weights")
    hub.find_folder("who/clip")
    download(cache, b"others!")
    checksums.record_of("who/clip", cache).unlink()
    hub.find_folder("who/clip")


@pytest.mark.parametrize("damage", ["", "[]", '{"sha256": 3}', "not JSON"])
def test_a_damaged_record_accepts_nothing(cache, damage):
    download(cache, b"weights")
    hub.find_folder("who/clip")
    checksums.record_of("who/clip", cache).write_text(damage)
    with pytest.raises(StorageError, match="cannot read"):
        hub.find_folder("who/clip")


def test_one_more_file_of_weights_is_a_change(cache):
    folder = download(cache, b"weights")
    hub.find_folder("who/clip")
    (folder / "model-00002-of-00002.safetensors").write_bytes(b"more")
    with pytest.raises(StorageError, match="not those recorded") as caught:
        hub.find_folder("who/clip")
    assert "there was no file" in caught.value.why


def test_a_record_that_cannot_be_written_is_said(cache, tmp_path):
    (tmp_path / checksums.FOLDER).write_text("a file where the folder should be")
    download(cache, b"weights")
    with pytest.warns(UserWarning, match="cannot be recorded"):
        hub.find_folder("who/clip")


def test_a_published_hash_counts_from_the_first_use_on(cache, monkeypatch):
    folder = download(cache, b"weights")
    publish(monkeypatch, checksums.digest_of(folder / WEIGHTS))
    assert hub.find_folder("who/clip") == folder
    assert not checksums.record_of("who/clip", cache).exists()
    publish(monkeypatch, "0" * 64)
    with pytest.raises(StorageError, match="not those published") as caught:
        hub.find_folder("who/clip")
    assert caught.value.exit_code == 74


def test_equal_weights_of_another_commit_are_accepted(cache, monkeypatch):
    folder = download(cache, b"weights")
    publish(monkeypatch, checksums.digest_of(folder / WEIGHTS), revision="c" * 40)
    assert hub.find_folder("who/clip") == folder


def test_a_known_model_is_downloaded_at_its_commit(cache, monkeypatch, tmp_path):
    import huggingface_hub

    asked = []

    def snapshot(model, *, revision=None, local_files_only=False, **_):
        if local_files_only:
            raise FileNotFoundError(model)
        asked.append(revision)
        return str(download(tmp_path / "downloaded", b"weights"))

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *a, **k: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    publish(monkeypatch, checksums.digest_of(download(cache, b"weights") / WEIGHTS))
    hub.find_folder("who/clip")
    assert asked == [COMMIT]


def test_a_file_is_read_again_once_it_has_changed(tmp_path):
    path = tmp_path / WEIGHTS
    path.write_bytes(b"weights")
    one = checksums.digest_of(path)
    path.write_bytes(b"others, and longer")
    assert checksums.digest_of(path) != one


@pytest.mark.slow
def test_train_refuses_changed_weights(cache, tmp_path, capsys):
    from ddpm_clip.cli.main import main

    folder = download(cache, b"")
    make_tiny_clip(folder)
    hub.find_folder("who/clip")
    shutil.rmtree(folder)
    make_tiny_clip(download(cache, b""), seed=1)
    words = ["train", "drawn-flowers:8", "--out", str(tmp_path / "run")]
    assert main([*words, "--set", "embedder.model=who/clip"]) == 74
    assert "not those recorded" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


# --- the table ----------------------------------------------------------------------------------


def test_every_row_of_the_table_is_complete():
    for model, known in KNOWN.items():
        assert model.count("/") == 1
        assert len(known.revision) == 40
        assert int(known.revision, 16)
        assert all(len(digest) == 64 and int(digest, 16) for digest in known.sha256.values())
        assert known.licence
        assert known.role
        assert known.stated_by
        assert known.unverified, "no row was tried, and each has to say so"


def test_the_default_model_is_known():
    from ddpm_clip.embedders.transformers_clip import DEFAULT

    assert DEFAULT in KNOWN


def test_the_tutorial_has_the_same_table():
    page = (Path(__file__).parents[3] / "docs" / "tutorial.md").read_text(encoding="utf-8")
    for model, known in KNOWN.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{model}`")]
        assert f"| {known.megabytes} MB |" in row
        assert row.endswith(f"| {known.licence} |")
