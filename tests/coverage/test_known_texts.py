"""Prompts of known coverage: no outside prompt names what is covered, no text is in two roles."""

import importlib
from pathlib import Path

import pytest

from ddpm_clip.coverage.texts import (
    ASKED,
    COMMON,
    FRAMES,
    NOUNS,
    SAYINGS,
    named,
    outside_texts,
    wrapped,
)
from ddpm_clip.coverage.texts import words as words_of
from ddpm_clip.embedders.prompt_bank import COLOURS, TEMPLATES, THINGS


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("coverage_of_prompts")


def test_what_is_calibrated_on_is_not_what_a_mini_clip_learns_to_keep_away():
    assert not set(NOUNS) & set(THINGS)
    assert not (set(FRAMES) & set(TEMPLATES)) - {"{}", "a {}", "the {}"}
    assert len(set(NOUNS)) == len(NOUNS) >= 100


def test_what_is_measured_on_is_neither(benchmark):
    nouns = {word for noun in benchmark.NOUNS for word in words_of(noun)}
    assert not nouns & {*NOUNS, *THINGS}
    frames = {*benchmark.PLAIN, *benchmark.COLOURED} - {"{}"}
    assert not frames & {*FRAMES, *TEMPLATES, *ASKED}
    assert not set(benchmark.SAID) & set(SAYINGS)
    phrasings = {*benchmark.DIGIT_PHRASINGS, *benchmark.FLOWER_PHRASINGS}
    assert len(phrasings) == len(benchmark.DIGIT_PHRASINGS) + len(benchmark.FLOWER_PHRASINGS)


def test_measured_captions_are_not_in_the_prompt_bank(benchmark):
    from ddpm_clip.data.local.drawn_flowers import FACTS

    first = benchmark.covered(tuple(FACTS["species"]), [])
    again = benchmark.covered(tuple(FACTS["species"]), first["captions"][:100])
    assert again["captions"] == first["captions"][100:]
    assert len(set(first["phrasings"])) == len(FACTS["species"]) * len(FACTS["petals"])


def test_a_thing_that_is_covered_is_not_called_outside():
    assert any("goat" in words_of(text) for text in outside_texts([]))
    for known in ("a goat in the rain", "Two goats!", "GOAT"):
        assert not any({"goat", "goats"} & set(words_of(text)) for text in outside_texts([known]))


def test_outside_prompts_are_many_differ_and_are_the_same_tomorrow():
    texts = outside_texts(["a red rose"])
    assert len(set(texts)) == len(texts) > 300
    assert texts == outside_texts(["a red rose"])
    assert any(set(words_of(text)) & set(COLOURS) for text in texts)


def test_common_words_alone_cover_nothing():
    assert len(outside_texts([" ".join(COMMON)])) == len(outside_texts([]))


def test_covered_prompts_are_also_worded_as_people_ask_for_them():
    assert {"rose", "a water lily"} <= set(named(["rose", "water_lily"]))
    assert wrapped(["a red rose.", "a tulip"]) == ["please paint a red rose"]
