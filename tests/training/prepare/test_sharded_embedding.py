"""Parts of an embedding job, one of them killed and run again, merge to the bytes of one run."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddpm_clip.embedders.mini_clip import MiniClip

DIES = """
import os, signal, sys
from ddpm_clip.embedders.mini_clip import MiniClip
encode, calls = MiniClip.embed_ready, []
def dies(self, x):
    calls.append(1)
    if len(calls) > 18:
        os.kill(os.getpid(), signal.SIGKILL)
    return encode(self, x)
MiniClip.embed_ready = dies
from ddpm_clip.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> tuple[str, ...]:
    """`embed` of 150 pictures, three of which cannot be used, by a tiny encoder, mirrored too."""
    home = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for i in range(150):
        pixels = rng.integers(0, 256, (12, 10 + i % 5, 3), dtype=np.uint8)
        (home / "photos" / f"{i % 3}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(home / "photos" / f"{i % 3}" / f"{i:03d}.png")
    for name in ("0/003", "1/064", "2/149"):
        whole = (home / "photos" / f"{name}.png").read_bytes()
        (home / "photos" / f"{name}.png").write_bytes(whole[: len(whole) // 2])
    (home / "photos" / "1" / "100.png").write_bytes(b"")  # has no content hash either
    MiniClip(3, 16, 8, 8, 8, 30.0).save(home / "clip", prompts=["a"], card={})
    return (
        "embed",
        str(home / "photos"),
        "--embedder",
        str(home / "clip"),
        "--batch-size",
        "2",
        "--set",
        "data.flip=true",
        "--set",
        "data.image_size=12",
    )


@pytest.fixture(scope="module")
def whole(words, tmp_path_factory) -> Path:
    from ddpm_clip.cli.main import main

    out = tmp_path_factory.mktemp("whole") / "embedded"
    assert main(["-q", *words, "--out", str(out)]) == 0
    return out


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def shards(cli, words, out, *which):
    for i in which:
        ended = cli(*words, "--out", out, "--shard", f"{i}/4")
        assert ended.code == 0, ended.err


@pytest.mark.slow
def test_four_parts_one_of_them_killed_merge_to_the_same_bytes(cli, words, whole, tmp_path):
    out = tmp_path / "embedded"
    killed = subprocess.run(
        [sys.executable, "-c", DIES, *words, "--out", str(out), "--shard", "1/4"],
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    left = {path for path in contents(out) if "1-of-4" in path}
    assert any("shard-00000" in path for path in left)  # it had come half-way
    assert not any("done.json" in path for path in left)

    shards(cli, words, out, 3, 0)
    refused = cli(*words, "--out", out, "--merge")
    assert refused.code == 66
    assert "--shard 1/4" in refused.err
    assert "--shard 2/4" in refused.err
    assert "--shard 0/4" not in refused.err
    shards(cli, words, out, 2, 1)
    ended = cli(*words, "--out", out, "--merge")
    assert ended.code == 0, ended.err
    assert "146 embeddings" in ended.err
    ours, theirs = contents(out), contents(whole)
    assert ours.keys() == theirs.keys()
    assert ours == theirs
    assert len([name for name in ours if "shard-" in name]) == 10  # 32 pictures each, mirrored too


@pytest.mark.slow
def test_a_part_that_is_done_is_not_embedded_again_and_a_damaged_one_is(
    cli, words, tmp_path, monkeypatch
):
    out, encoded = tmp_path / "embedded", []
    shards(cli, words, out, 2)
    before = contents(out)
    encode = MiniClip.embed_ready
    monkeypatch.setattr(
        MiniClip, "embed_ready", lambda self, x: encoded.append(len(x)) or encode(self, x)
    )
    shards(cli, words, out, 2)
    assert encoded == []
    assert contents(out) == before

    shard = out / "parts/embeddings/2-of-4/cache/shard-00000.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1] + b"!")
    assert "damaged" in cli(*words, "--out", out, "--shard", "2/4").err
    assert set(encoded) == {2}
    assert contents(out) == before


@pytest.mark.slow
def test_a_merge_goes_on_where_a_cache_has_some_already(cli, words, whole, tmp_path):
    out = tmp_path / "embedded"
    shutil.copytree(whole, out)
    (out / "embeddings" / "manifest.parquet").unlink()
    for i in range(2):
        assert cli(*words, "--out", out, "--shard", f"{i}/2").code == 0
    assert cli(*words, "--out", out, "--merge").code == 0
    assert contents(out) == contents(whole)


@pytest.mark.slow
def test_a_merge_of_parts_of_other_pictures_or_batches_exits_73(cli, words, tmp_path):
    out = tmp_path / "embedded"
    assert cli(*words, "--out", out, "--shard", "0/1").code == 0
    for other in (("--batch-size", 4), ("--set", "data.max_samples=100")):
        for step in ("--merge", "--shard=0/1"):
            refused = cli(*words, *other, "--out", out, step)
            assert refused.code == 73
            assert "another job" in refused.err


@pytest.mark.slow
def test_a_merge_that_would_leave_parts_out_takes_none_away(cli, words, whole, tmp_path):
    out = tmp_path / "embedded"
    assert cli(*words, "--out", out, "--shard", "0/1").code == 0
    before = contents(out)
    refused = cli(*words, "--set", "data.flip=false", "--out", out, "--merge")
    assert refused.code == 73
    assert "data.flip=true --merge" in refused.err
    assert contents(out) == before
    (out / "parts" / "notes.txt").write_text("mine")
    assert cli(*words, "--out", out, "--merge").code == 0
    assert contents(out) == contents(whole) | {"parts/notes.txt": b"mine"}


@pytest.mark.parametrize(
    "wrong", [("--shard", "4/4"), ("--shard", "1"), ("--shard", "0/4", "--merge")]
)
def test_wrong_words_exit_2(cli, words, tmp_path, wrong):
    assert cli(*words, "--out", tmp_path / "e", *wrong).code == 2


def test_a_csv_is_not_made_in_parts(cli, words, tmp_path):
    assert cli(*words, "--out", tmp_path / "e.csv", "--shard", "0/4").code == 2
