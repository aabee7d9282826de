"""Two of the three tasks: their recipes, the training's own division, claims that can fail."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ddpm_clip.config.resolve import resolve
from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.evaluation.judge.network import JudgeReading
from ddpm_clip.training.prepare.preparation import heldout_rows

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tasks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("three_tasks")


class Reader:
    """Reads the number that is the picture; from 10 on it rejects."""

    def __call__(self, x):
        return torch.eye(10)[x.flatten().long() % 10], x.flatten() >= 10

    def read(self, x):
        probs = torch.eye(10)[x.flatten().long() % 10]
        return {"digit": JudgeReading([DIGITS[i] for i in probs.argmax(1)], probs)}


def test_the_recipes_are_those_of_the_tasks(tasks):
    configs = {
        task: resolve(file=ROOT / "config" / f"{task}.yaml", environ={})[0] for task in tasks.TASKS
    }
    free, named = configs["unconditional"], configs["classes"]
    assert free.generation.unconditional
    assert free.conditioning.c_drop_prob == 1
    assert named.embedder.name == "labels"
    assert not named.generation.unconditional
    assert free.data.heldout >= 2 * 2000  # distances need twice as many real as painted pictures


def test_the_scorer_learns_from_the_half_that_the_other_clip_does_not_see():
    own, other = (
        resolve(file=ROOT / "config" / name, environ={})[0].embedder
        for name in ("digits.yaml", "digits_scorer.yaml")
    )
    assert {own.half, other.half} == {1, 2}
    assert own.seed != other.seed
    assert own.image_tower != other.image_tower
    assert own.text_tower != other.text_tower


def test_pictures_are_divided_as_the_training_divides_them(tasks, tmp_path):
    for i in range(40):
        Image.fromarray(np.full((8, 8), i, dtype=np.uint8)).save(tmp_path / f"{i:02}.png")
    config, _ = resolve(
        environ={},
        assignments=[
            f"data.source={tmp_path}",
            "data.image_size=8",
            "data.channels=1",
            "data.heldout=4",
        ],
    )
    train, apart = tasks.divided(config)
    assert apart[:, 0, 0, 0].tolist() == heldout_rows(40, 4).tolist()
    assert sorted([*train[:, 0, 0, 0].tolist(), *apart[:, 0, 0, 0].tolist()]) == list(range(40))


def test_rejected_pictures_are_no_digits(tasks):
    found = tasks.what_is_read(Reader(), torch.tensor([1.0, 1, 7, 13]).view(4, 1, 1, 1))
    assert found["accepted"]["success"] == 3
    assert {name: n for name, n in found["digits"].items() if n} == {"one": 2, "seven": 1}


@pytest.mark.parametrize("share", [0.5, 0.46, 0.58, 0.4])
def test_leaning_to_the_training_pictures_fails_the_bar(tasks, share):
    found = {"unconditional": {"copies": {"pixels": {"closer_to_train": {"share": share}}}}}
    assert [one["holds"] for one in tasks.claims(found)] == [0.45 < share < 0.55]


def test_a_class_that_is_not_painted_fails_the_bar(tasks):
    held = [tasks.claims({"classes": {"total": {"share": s}}})[0]["holds"] for s in (0.99, 0.98)]
    assert held == [True, False]
