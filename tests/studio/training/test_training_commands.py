"""The command line of a training."""

import shlex
from pathlib import Path

import pytest

from ddpm_clip.config.resolve import preset_names
from ddpm_clip.errors import UsageError
from ddpm_clip.studio.training.command import (
    TrainingOptions,
    about_presets,
    executed,
    resuming,
    shown,
    slug,
)


def test_what_is_shown_is_what_is_run_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = TrainingOptions(str(tmp_path / "my photos"), minutes=5, preset="photos")
    words = options.words(tmp_path / "studio" / "runs" / "roses")
    assert executed(words)[1:4] == ["-m", "ddpm_clip", "train"]
    assert shlex.split(shown(words))[:9] == [
        "ddpm-clip",
        "train",
        "my photos",
        "--out",
        "studio/runs/roses",
        "--preset",
        "photos",
        "--minutes",
        "5",
    ]
    assert str(tmp_path) not in shown(words)
    assert shown(resuming(tmp_path / "roses", steps=9)) == "ddpm-clip resume roses --steps 9"


@pytest.mark.parametrize(
    "fields",
    [
        {"minutes": 1, "steps": 5},
        {"minutes": 0},
        {"steps": 0},
        {"steps": True},
        {"preset": "phots"},
        {"preset": "../../etc"},
    ],
)
def test_a_mistake_is_told_before_anything_is_started(fields):
    with pytest.raises(UsageError) as caught:
        TrainingOptions("photos", **fields)
    assert caught.value.param in fields


@pytest.mark.parametrize("name", ["../../etc/passwd", "-rf", "a\0b", "", "…", "x" * 300, "con/aux"])
def test_a_folder_s_name_is_plain_whatever_a_training_is_called(name):
    made = slug(name)
    assert 0 < len(made) <= 32
    assert made.strip("-") == made
    assert Path(made).name == made
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_every_preset_says_what_it_is_for():
    told = about_presets()
    assert [one["name"] for one in told] == preset_names()
    assert all(len(one["description"]) > 20 for one in told)
