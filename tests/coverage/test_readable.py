"""Nobody is told to ask for a misspelling, a shout, or words that mean nothing."""

import random

import pytest

from ddpm_clip.coverage.measuring import known_prompts
from ddpm_clip.coverage.prompt_coverage import PromptCoverage
from ddpm_clip.coverage.readable import ENOUGH, blemishes, readable, suggestible
from ddpm_clip.data.captions.digit_words import DIGITS, describe
from ddpm_clip.runs.pretrained import load

CLEAN = [
    "a thick six",
    "the number 4",
    "draw left-leaning 9",
    "seven that leans to the right",
    "someone wrote slanted left 2",
    "two",
    "white little 7",
]
ODD = [
    "digit seevn with a heavy pen",
    "sevn",
    "eigth",
    "a tree three",
    "pair two",
    "for four",
    "gaga morning dolest skinny 1",
    "vertical 2, raga delire.",
    "the pe 4",
    "a six garden",
]


@pytest.fixture(scope="module")
def bank():
    rng = random.Random(0)
    return [
        describe({"digit": rng.choice(DIGITS), "stroke": "thick"}, rng).text for _ in range(512)
    ]


def test_captions_of_digits_are_told_from_their_misspellings_and_filler(bank):
    fine = readable(bank, DIGITS)
    assert [text for text in CLEAN if not fine(text)] == []
    assert [text for text in ODD if fine(text)] == []


def test_in_captions_of_a_person_a_word_that_occurs_once_may_be_a_slip():
    bank = ["a red car", "the red car in a garden", "a gardne", "a garden"]
    fine = readable(bank, ["car"])
    assert fine("a garden")
    assert fine("a red car")
    assert not fine("a gardne")
    assert readable(["a zebra"], ["zebra"])("a zebra"), "the name of a class is no slip"


def test_plain_texts_are_preferred_where_there_are_enough():
    plain = [f"red {name}" for name in DIGITS] * 2
    loud = ["RED SIX!", "Red six."]
    assert blemishes("a left-slanted six") == 0
    assert blemishes("A six!") == 2
    few = suggestible([*plain[:3], *loud], [*plain, *loud])
    assert few == {*plain[:3], *loud}
    words = [f"{colour} {name}" for colour in ("red", "big") for name in DIGITS]
    assert len(words) >= ENOUGH
    assert suggestible([*words, *loud], [*words, *loud] * 2) == frozenset(words)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "flowers"])
def test_the_suggestions_of_what_ships_are_plain_and_well_covered(name):
    coverage = PromptCoverage(load(name, "cpu"))
    suggestions = [one.prompt for one in coverage.coverage.suggestions]
    fine = readable(coverage.model.conditioner.prompts, coverage.model.classes)
    assert len(suggestions) >= ENOUGH
    assert [text for text in suggestions if blemishes(text) or not fine(text)] == []
    assert {coverage.ask(text).verdict for text in suggestions} == {"well covered"}


@pytest.mark.slow
def test_a_bank_from_before_is_shown_without_its_misspellings(monkeypatch):
    model = load("digits", "cpu")
    plain = PromptCoverage(model).coverage.suggestions
    monkeypatch.setattr(
        "ddpm_clip.coverage.prompt_coverage.readable", lambda *_: lambda text: text == "six"
    )
    assert [one.prompt for one in PromptCoverage(model).coverage.suggestions] == ["six"]
    monkeypatch.setattr(
        "ddpm_clip.coverage.prompt_coverage.readable", lambda *_: lambda text: False
    )
    assert PromptCoverage(model).coverage.suggestions == plain


@pytest.mark.slow
def test_a_pretrained_clip_has_a_bank_of_clean_prompts_already():
    model = load("flowers", "cpu")
    known = known_prompts(
        model.conditioner, "transformers_clip", (), lambda t: model.embedder.embed_texts(t)
    )
    assert known.shown == frozenset()
