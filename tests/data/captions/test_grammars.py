"""Captions say only what is so, and say all that they claim to say."""

import random
import re

import numpy as np
import pytest

from ddpm_clip.data.captions import digit_words, emoji_words
from ddpm_clip.data.captions.digit_shapes import UPRIGHT, VALUES
from ddpm_clip.data.captions.grammars import (
    GRAMMARS,
    MEASURES,
    grammar_name,
    grammar_of,
    measured_facts,
)
from ddpm_clip.data.captions.unrelated_words import WORDS
from ddpm_clip.types import Caption

THICK_SIX = {"digit": "six", "stroke": "thick", "slant": "left", "size": "big", "shape": "wide"}


def captions(facts, n=600):
    rng = random.Random(0)
    return [grammar_of(facts)(facts, rng) for _ in range(n)]


def test_a_caption_states_a_part_of_the_facts():
    for caption in captions(THICK_SIX):
        assert caption.facts.items() <= THICK_SIX.items()
        assert caption.facts


def test_what_is_stated_is_said_and_what_is_not_stated_is_not():
    for caption in captions(THICK_SIX):
        text = caption.text.lower()
        for name, words in digit_words.ADJECTIVES.items():
            said = [*words[THICK_SIX[name]], *digit_words.TAILS[THICK_SIX[name]]]
            found = any(re.search(rf"\b{word}\b", text) for word in said)
            assert found == (name in caption.facts), text


def test_some_captions_leave_the_digit_open_and_name_no_other():
    vague = [one for one in captions(THICK_SIX) if "digit" not in one.facts]
    assert 5 < len(vague) < 200
    assert not any(word in one.text.lower().split() for one in vague for word in digit_words.DIGITS)


def test_without_measured_facts_every_caption_names_the_digit():
    assert all(one.facts == {"digit": "six"} for one in captions({"digit": "six"}))


def test_every_attribute_that_is_measured_can_be_said():
    assert set(VALUES) == set(digit_words.ADJECTIVES)
    for name, (low, high) in VALUES.items():
        words = {low, high} | ({UPRIGHT} if name == "slant" else set())
        assert set(digit_words.ADJECTIVES[name]) == words
        assert words <= set(digit_words.TAILS)


@pytest.mark.slow
def test_filler_says_nothing_of_any_attribute():
    assert not digit_words.MEANING & set(WORDS)
    plain = {"digit": "six"}
    said = {
        word.strip(".,!?") for one in captions(plain, 4000) for word in one.text.lower().split()
    }
    assert said & digit_words.MEANING == {"six"}, "no invented word happens to mean something"


def test_no_misspelling_of_a_digit_is_another_word():
    ordinary = set(WORDS) | digit_words.MEANING | {"there", "form", "from", "time", "even"}
    spelt = {
        digit_words.exchanged(digit, at)
        for digit in digit_words.DIGITS
        for at in range(1, len(digit) - 1)
    }
    assert "trhee" in spelt, "digits are misspelt at all"
    assert not (spelt - set(digit_words.DIGITS)) & ordinary, '"let there be one" is no three'


def test_an_emoji_caption_always_holds_the_whole_name():
    facts = {"name": "red heart", "keywords": "love, heart"}
    for caption in captions(facts):
        assert "red heart" in caption.text
        assert caption.facts == {"name": "red heart"}
    assert any("love" in one.text for one in captions(facts))
    assert emoji_words.describe({"name": "x", "keywords": ""}, random.Random(0)).facts == {
        "name": "x"
    }


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"digit": "six"}, "digits"),
        ({"species": "rose"}, "flowers"),
        ({"label": "cat"}, "labels"),
        ({"caption": "a cat"}, "labels"),
        ({"name": "cat", "keywords": ""}, "emoji"),
    ],
)
def test_facts_find_their_grammar(facts, name):
    assert grammar_name(facts) == name
    assert name in GRAMMARS


def test_only_grammars_that_measure_look_at_the_pixels():
    pixels, facts = np.zeros((2, 1, 28, 28), np.uint8), [{"label": "cat"}, {}]
    assert measured_facts(pixels, facts) == facts
    assert set(MEASURES) <= set(GRAMMARS)


def test_a_grammar_that_joins_speaks_of_the_fact_it_is_named_after(monkeypatch):
    def describe(facts, rng):
        return Caption(f"a grey of {facts['level']}", {"level": facts["level"]})

    monkeypatch.setitem(GRAMMARS._entries, "level", describe)
    assert grammar_of({"level": "17"}) is describe
    assert grammar_name({"level": "17", "species": "rose"}) == "flowers"
    assert grammar_name({"label": "cat"}) == "labels"
