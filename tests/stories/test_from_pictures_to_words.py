"""The main job through the command line: pictures in, stopped and resumed, pictures out."""

import json
from pathlib import Path

import pytest

from ddpm_clip import TextToImage
from ddpm_clip.data.local.drawn_flowers import write_folder

WORDS = (
    "--set",
    "data.image_size=16",
    "--set",
    "model.down_chs=[16, 32]",
    "--set",
    "model.blocks=1",
    "--set",
    "model.attention=0",
    "--set",
    "training.batch_size=8",
    "--set",
    "training.dtype=float32",
    "--set",
    "training.checkpoint_every=2",
    "--set",
    "embedder.name=labels",
    "--set",
    "generation.prompts=[rose, lily]",
)


@pytest.mark.slow
def test_a_folder_of_pictures_becomes_a_model_that_paints_from_words(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, seed in (("rose", 1), ("lily", 2)):
        write_folder(Path("photos") / name, 12, size=16, seed=seed)
    assert json.loads(cli("scan", "photos", "--json").out)["usable"] == 24
    stopped = cli("train", "photos", *WORDS, "--steps", 4, "--stop-after", 3)
    assert stopped.code == 0, stopped.err
    assert "Continue: ddpm-clip resume runs/photos" in stopped.err
    assert cli("resume", "runs/photos").code == 0
    assert Path("runs/photos/generation.gif").is_file()
    painted = cli(
        "generate",
        "rose",
        "lily",
        "--model",
        "runs/photos",
        "-n",
        2,
        "--seed",
        7,
        "--steps",
        4,
        "--guidance",
        1,
        "--json",
    )
    entries = json.loads(painted.out)
    assert [(entry["prompt"], entry["seed"]) for entry in entries] == [
        ("rose", 7),
        ("rose", 8),
        ("lily", 7),
        ("lily", 8),
    ]
    pictures = TextToImage.from_pretrained("runs/photos")(
        "lily", n=1, seed=8, steps=4, guidance=1.0
    )
    from PIL import Image

    with Image.open(entries[3]["file"]) as saved:
        assert saved.tobytes() == pictures[0].tobytes()


@pytest.mark.slow
def test_the_mini_clip_of_ones_own_is_trained_and_carried_with_the_model(
    cli, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    small = ("--set", "data.image_size=16", "--set", "data.source=drawn-flowers:60")
    clip = cli(
        "train-clip",
        *small,
        "--out",
        "clip",
        "--steps",
        2,
        "--dim",
        8,
        "--json",
        "--set",
        "embedder.width=8",
        "--set",
        "embedder.text_width=8",
    )
    assert clip.code == 0, clip.err
    assert json.loads(clip.out)["figures"]["n"] == 6
    trained = cli(
        "train",
        *WORDS,
        *small,
        "--steps",
        1,
        "--out",
        "run",
        "--no-animation",
        "--set",
        "embedder.name=mini_clip",
        "--set",
        "embedder.model=clip",
    )
    assert trained.code == 0, trained.err
    assert cli("pack", "run", "--out", "model").code == 0
    Path("clip").rename("elsewhere")
    painted = cli("generate", "a red rose", "--model", "model", "-n", 1, "--steps", 2, "--json")
    assert painted.code == 0, painted.err


@pytest.mark.slow
def test_a_run_started_from_a_model_goes_on_from_its_weights(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("drawn-flowers:40", *WORDS, "--no-animation", "--steps", 1)
    assert cli("train", *words, "--out", "first").code == 0
    # without a learning rate a run stays where it started
    still = ("--set", "training.lr=0", "--set", "training.weight_decay=0")
    assert cli("train", *words, *still, "--out", "second", "--init", "first").code == 0
    picture = [
        TextToImage.from_pretrained(run)("rose", n=1, steps=2)[0] for run in ("first", "second")
    ]
    assert picture[0].tobytes() == picture[1].tobytes()


def test_a_model_to_start_from_that_is_not_there_leaves_nothing(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("train", "drawn-flowers:40", *WORDS, "--out", "run", "--init", "nowhere").code == 66
    assert not Path("run").exists()
