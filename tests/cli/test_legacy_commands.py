"""The earlier projects' commands run with their flags and hand over to `ddpm-clip`."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from ddpm_clip.config.resolve import resolve
from ddpm_clip.data.csv_exchange.embedding_csv import read_csv
from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.embedders.mini_clip import MiniClip

HOME = Path(__file__).resolve().parents[2]
SMALL = ("--set", "data.image_size=16", "--set", "model.down_chs=[16, 32, 32]", "--set",
         "model.blocks=1", "--set", "model.attention=0", "--set", "embedder.name=labels",
         "--set", "embedder.model=null", "--set", "generation.prompts=[rose]",
         "--set", "training.animation=false", "--set", "training.epochs=null",
         "--set", "generation.grid_guidance=[2]")  # fmt: skip


@pytest.fixture
def door(monkeypatch, capsys, tmp_path):
    """`door("scripts/train.py", …)` runs a script in an empty folder; gives its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(HOME / "scripts"))

    def run(script, *words):
        monkeypatch.setattr(sys, "argv", [script, *map(str, words)])
        with pytest.raises(SystemExit) as left:
            runpy.run_path(str(HOME / script), run_name="__main__")
        return left.value.code

    return run


@pytest.mark.parametrize("name", sorted(path.name for path in (HOME / "config").glob("*.yaml")))
def test_every_config_file_is_read_without_a_complaint(name):
    config, _ = resolve(file=HOME / "config" / name)
    assert config.data.source or name == "promise.yaml"  # its program deals the pictures


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        "scripts/train.py",
        "scripts/generate.py",
        "scripts/preprocess_clip.py",
        "scripts/clip_train.py",
        "scripts/unclip_train.py",
        "scripts/generate_images.py",
        "examples/train.py",
    ],
)
def test_every_door_has_a_help(script):
    done = subprocess.run(
        [sys.executable, HOME / script, "--help"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "error"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "--" in done.stdout


@pytest.mark.slow
def test_train_then_generate_as_in_the_first_seed(door):
    words = (
        "--config",
        HOME / "config" / "default.yaml",
        *SMALL,
        "--steps",
        1,
        "--set",
        "data.source=drawn-flowers:40",
        "--out",
        "model_checkpoint",
    )
    assert door("scripts/train.py", *words) == 0
    painted = door(
        "scripts/generate.py",
        "--checkpoint",
        "model_checkpoint/",
        "--prompts",
        "rose",
        "tulip",
        "--output",
        "images/generated.png",
        "--steps",
        2,
        "--w",
        "-1",
        "1",
        "--seed",
        3,
        "--num_samples",
        2,
        "--sampler",
        "ddim",
    )
    assert painted == 0
    assert Path("images/generated.png").is_file()
    assert len(list(Path("images/generated").glob("*.png"))) == 8


def test_preprocess_clip_writes_the_csv(door, tmp_path):
    write_folder(tmp_path / "photos" / "a", 4, size=16, seed=1)
    MiniClip(3, 16, 8, 8, 8, 30.0).save(tmp_path / "clip", prompts=["a rose"], card={})
    words = ("--data_dir", "photos", "--output", "clip.csv", "--embedder", "clip")
    assert door("scripts/preprocess_clip.py", *words) == 0
    assert len(read_csv("clip.csv").keys) == 4


@pytest.mark.slow
def test_preprocess_clip_never_embeds_with_another_clip_than_the_one_that_is_named(
    door, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "nothing"))
    write_folder(tmp_path / "photos" / "a", 4, size=16, seed=1)
    for more in ((), ("--clip_model", "ViT-L/14")):
        assert door("scripts/preprocess_clip.py", "--data_dir", "photos", *more) == 69
        name = "openai/clip-vit-large-patch14" if more else "openai/clip-vit-base-patch32"
        assert name in capsys.readouterr().err
        assert not Path("clip.csv").exists()


@pytest.mark.slow
def test_the_two_lines_of_the_tutorial_fit_each_other(door):
    """`train.py --config …`, then `generate.py --checkpoint model_checkpoint/9.pth …`."""
    tutorial = (HOME / "docs" / "tutorial.md").read_text(encoding="utf-8")
    lines = [line.split()[1:] for line in tutorial.splitlines() if line.startswith("python scr")]
    config = next(words for words in lines if words[0] == "scripts/train.py")
    checkpoint = next(words for words in lines if words[0] == "scripts/generate.py")[2]
    words = ("--config", HOME / config[2], *SMALL, "--steps", 1)
    assert door(config[0], *words, "--set", "data.source=drawn-flowers:40") == 0
    painted = door(
        "scripts/generate.py",
        "--checkpoint",
        checkpoint,
        "--prompts",
        "rose",
        "--steps",
        1,
        "--output",
        "images/generated.png",
    )
    assert painted == 0
    assert Path("images/generated.png").is_file()


def test_a_weights_file_stands_for_its_run_or_for_the_folder_of_its_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(HOME / "scripts"))
    monkeypatch.chdir(tmp_path)
    from legacy_flags import folder_of

    assert folder_of("a/9.pth") == str(Path("a/9"))
    assert folder_of("a/9") == str(Path("a/9"))
    Path("a").mkdir()
    Path("a/config.yaml").touch()
    assert folder_of("a/9.pth") == "a"
    Path("a/9").mkdir()
    assert folder_of("a/9.pth") == str(Path("a/9")), "what is really there"


@pytest.mark.slow
def test_the_sizes_of_the_last_seed_are_trained_and_continued(door, capsys):
    words = (
        "--config",
        HOME / "config" / "model_small.yaml",
        "--no-animation",
        *SMALL,
        "--set",
        "data.source=drawn-flowers:40",
        "--set",
        "training.steps=2",
    )
    assert door("examples/train.py", *words, "--stop-after", 1) == 0
    assert door("examples/train.py", *words, "--skip-clip-extraction") == 0
    assert "Finished 2 steps in runs/model_small" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.data
def test_three_commands_of_the_mnist_seed_give_a_picture(door, data_root, monkeypatch, capsys):
    monkeypatch.setenv("DDPM_CLIP_DATA", str(data_root))
    few = ("--max_samples", 512, "--num_workers", 4, "--batch_size", 32)
    assert (
        door("scripts/clip_train.py", "--epochs", 0.2, *few, "--save_path", "mnist_clip.pth") == 0
    )
    assert "mnist_clip instead of mnist_clip.pth" in capsys.readouterr().err
    small = (
        "--set",
        "model.down_chs=[8, 16]",
        "--set",
        "model.blocks=1",
        "--no-animation",
        "--set",
        "training.sample_every=0",
        "--ddpm_max_steps",
        100,
    )
    trained = door(
        "scripts/unclip_train.py",
        "--clip_model_path",
        "mnist_clip.pth",
        "--save_path",
        "mnist_ddpm.pth",
        "--epochs",
        0.1,
        *few,
        *small,
    )
    assert trained == 0
    assert "ignored: --num_workers" in capsys.readouterr().err
    painted = door(
        "scripts/generate_images.py",
        "--prompt",
        "six",
        "--num_samples",
        4,
        "--clip_model_path",
        "mnist_clip.pth",
        "--steps",
        2,
    )
    assert painted == 0
    assert Path("images/generated.png").is_file()


@pytest.mark.slow
def test_flags_that_have_gone_are_still_accepted_and_named(door, capsys):
    gone = (
        "--cnn_output_dim",
        64,
        "--lstm_embedding_dim",
        8,
        "--lstm_output_dim",
        32,
        "--encoder_target_length",
        10,
    )
    assert door("scripts/unclip_train.py", *gone, "--set", "data.source=nowhere/") == 66
    assert "ignored: --cnn_output_dim, --lstm_embedding_dim" in capsys.readouterr().err
