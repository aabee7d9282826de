"""What the benchmarks ask is what they say that they ask."""

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

from ddpm_clip.data.captions.digit_words import DIGITS, FRAMES
from ddpm_clip.data.captions.unrelated_words import WORDS
from ddpm_clip.data.local.drawn_flowers import FACTS, WITH_CENTRE
from ddpm_clip.evaluation.prompts.cases import digit_cases


@pytest.fixture
def benchmark_file(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module


def test_forty_prompts_ask_for_ten_digits():
    asked = digit_cases()
    assert len({case.prompt for case in asked}) == 40
    six = [case.prompt for case in asked if case.facts == {"digit": "six"}]
    assert six == ["six", "6", "the digit six", "a handwritten six"]


def test_unseen_phrasings_are_in_no_template_and_name_one_digit_only(benchmark_file):
    digits = benchmark_file("digits_from_words")
    for phrasing in digits.UNSEEN:
        frame = re.sub(r"\{\w+\}", "{x}", phrasing)
        assert frame not in FRAMES
        others = [
            word for word in re.findall(r"[a-z]+", frame.lower()) if word not in (*WORDS, "x")
        ]
        assert others, "only filler words: training may have seen it"
        assert not set(others) & set(DIGITS)
    assert len(digit_cases(phrasings=digits.UNSEEN)) == 10 * len(digits.UNSEEN)


def test_four_hundred_flower_prompts_differ_and_cover_every_pair_evenly(benchmark_file):
    cases = benchmark_file("flowers_from_words").flower_cases(400)
    assert len({case.prompt for case in cases}) == 400
    pairs = Counter((case.facts["species"], case.facts["petals"]) for case in cases)
    assert len(pairs) == len(FACTS["species"]) * len(FACTS["petals"])
    assert set(pairs.values()) == {8, 9}
    for case in cases:
        assert all(value in case.prompt for value in case.facts.values())
        assert "centre" not in case.facts or case.facts["species"] in WITH_CENTRE
        assert not re.search(r"\b[aA] orange", case.prompt)
    assert 60 < sum(len(case.facts) == 3 for case in cases) < 200
