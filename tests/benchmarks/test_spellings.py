"""Spellings that agree, and the gate: pictures of known content, read by a judge that sees it."""

import importlib
from pathlib import Path

import pytest
import torch

from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.evaluation.judge.network import JudgeReading
from ddpm_clip.utils.generators import finish


@pytest.fixture
def spellings(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    module = importlib.import_module("spellings")
    monkeypatch.setattr(module, "finished", lambda work, name: finish(work))
    return module


class Reader:
    """Reads the number that is the picture; from 10 on it rejects the last digit of it."""

    def __init__(self):
        self.attributes = {"digit": DIGITS}

    def __call__(self, x):
        return torch.eye(10)[x.flatten().long() % 10], x.flatten() >= 10

    def read(self, x):
        labels = [DIGITS[int(i) % 10] for i in x.flatten()]
        return {"digit": JudgeReading(labels, torch.eye(10)[x.flatten().long() % 10])}


def painter(wrong):
    """Paints what is asked, but for (prompt, j) in `wrong`; notes prompts and seeds."""
    asked = []

    def paint(tti, cases, n, seed=0, **how):
        rows = []
        for i, case in enumerate(cases):
            for j in range(n):
                asked.append((case.prompt, seed + n * i + j))
                right = DIGITS.index(case.facts["digit"])
                rows.append(wrong.get((case.prompt, j), right))
        yield from ()
        return torch.tensor(rows).float().view(-1, 1, 1, 1)

    return paint, asked


def test_the_five_spellings_are_those_of_the_requirement(spellings):
    said = [one.format(word="six", Word="Six", numeral=6) for one in spellings.SPELLINGS]
    assert said == ["6", "six", "Six!", "the digit six", "a photo of the number six"]


def test_spellings_share_their_noise_and_each_digit_has_its_own(spellings, monkeypatch):
    paint, asked = painter({})
    monkeypatch.setattr(spellings, "paint_cases", paint)
    found = spellings.agreement(None, Reader(), 3, 7)
    seeds = {}
    for prompt, seed in asked:
        seeds.setdefault(prompt, []).append(seed)
    assert seeds["6"] == seeds["Six!"] == seeds["a photo of the number six"]
    assert not set(seeds["6"]) & set(seeds["seven"])
    assert found["same"]["total"]["n"] == found["same"]["total"]["success"] == 30


def test_planted_disagreement_is_counted_once_a_seed(spellings, monkeypatch):
    wrong = {("6", 0): 9, ("Six!", 0): 9, ("the digit two", 1): 12}  # 12: a two that is rejected
    wrong |= {
        (spelling.format(word="one", Word="One", numeral=1), 2): 7
        for spelling in spellings.SPELLINGS
    }
    monkeypatch.setattr(spellings, "paint_cases", painter(wrong)[0])
    found = spellings.agreement(None, Reader(), 4, 0)
    same, right = found["same"], found["right"]
    assert same["digits"]["six"]["success"] == same["digits"]["two"]["success"] == 3
    assert (same["digits"]["one"]["success"], right["digits"]["one"]["success"]) == (4, 3)
    assert (same["total"]["success"], right["total"]["success"]) == (38, 37)
    assert found["spellings"]["the digit {word}"]["success"] == 38


def test_the_gate_passes_with_two_wrong_of_fifty_and_fails_with_three(spellings, monkeypatch):
    # five pictures of each digit make a gate: j = 0..4 the first, 5..9 the second
    wrong = {("six", 0): 0, ("one", 4): 7, ("six", 5): 0, ("one", 9): 7, ("two", 7): 12}
    monkeypatch.setattr(spellings, "paint_cases", painter(wrong)[0])
    found = spellings.gates(None, Reader(), 2, 0)
    assert found["right_of_50"] == [48, 47]
    assert (found["passed"], found["n"]) == (1, 2)
    assert found["pictures"]["success"] == 95
