"""Every bridge that a model has, and the ceiling, paint the same prompts from the same seeds."""

import importlib
from pathlib import Path

import pytest
import torch

from ddpm_clip import TextToImage
from ddpm_clip.evaluation.judge.network import JudgeReading
from ddpm_clip.evaluation.prompts.success import PromptCase
from ddpm_clip.utils.generators import finish


@pytest.fixture
def comparing(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("compare_bridges")


class Reader:
    """Reads a six in whatever it is shown."""

    attributes, classes, img_size, img_ch = {"digit": ("six", "two")}, ("six", "two"), 28, 1

    def read(self, x):
        return {"digit": JudgeReading(["six"] * len(x), torch.tensor([[1.0, 0.0]] * len(x)))}

    def __call__(self, x):
        return torch.tensor([[1.0, 0.0]] * len(x)), torch.zeros(len(x), dtype=torch.bool)


@pytest.mark.slow
def test_every_bridge_and_the_ceiling_stand_beside_each_other(comparing):
    tti, judge = TextToImage.from_pretrained("digits", "cpu"), Reader()
    cases = [PromptCase(word, {"digit": word}) for word in ("six", "two")]
    pixels = torch.randint(0, 256, (4, 1, 28, 28), dtype=torch.uint8)
    facts = [{"digit": word} for word in ("six", "two", "six", "two")]
    work = comparing.compare_bridges(tti, judge, cases, 2, pixels=pixels, facts=facts, steps=2)
    tables = finish(work)
    bridges = ["identity", "shift", "noise", "knn", "prior", "resample"]
    assert list(tables) == [*bridges, comparing.CEILING]
    assert {table.total.n for table in tables.values()} == {4}
    assert {table.total.success for table in tables.values()} == {2}
