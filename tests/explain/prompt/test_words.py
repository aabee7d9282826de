"""Words: class words bear everything on the mixture, others nothing, and no null gets through."""

import pytest

from ddpm_clip.explain import words
from ddpm_clip.explain.prompt.prompt_game import Game, play
from ddpm_clip.explain.prompt.words import spaced
from ddpm_clip.explain.target.nulls import NULLS, nulls_of
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.utils.generators import finish


@pytest.fixture(scope="module")
def planted():
    return planted_target("a small two", range(16))


@pytest.fixture(scope="module")
def found(planted):
    return words(planted, quick=True)


def test_on_the_mixture_the_class_word_bears_everything_and_others_nothing(found):
    assert found.verdict == "pass"
    assert found.numbers["counting"] == ["two"] == [found.numbers["strongest"]]
    adds = {one["text"]: one["log_odds"] for one in found.numbers["words"]}
    assert adds["two"] == pytest.approx(found.numbers["total"]["mean"], abs=1e-6)
    assert abs(adds["a"]) < 1e-9
    assert abs(adds["small"]) < 1e-9
    assert abs(found.numbers["placebo"]["log_odds"]) < 1e-9


def test_what_words_add_sums_to_what_the_prompt_gains(found):
    adds = sum(one["log_odds"] for one in [*found.numbers["words"], found.numbers["placebo"]])
    assert adds == pytest.approx(found.numbers["total"]["mean"], abs=1e-4)
    assert found.numbers["efficiency_error"] < 1e-4
    assert found.numbers["exact"]


def test_characters_of_a_word_that_has_to_be_whole_share_equally(found):
    """Any character missing and nothing is meant: a unanimity game, shared by symmetry."""
    adds = [one["log_odds"] for one in found.numbers["characters"]]
    assert adds == pytest.approx([found.numbers["total"]["mean"] / 3] * 3, rel=0.3)
    assert adds == pytest.approx([adds[0]] * 3)


@pytest.mark.slow
def test_a_long_prompt_is_played_by_some_orders_and_says_the_same():
    long = planted_target("please paint a very small two for me now")
    found = words(long, quick=True)
    assert not found.numbers["exact"]
    assert found.numbers["coalitions"] < 60
    assert found.numbers["counting"] == ["two"]
    assert found.numbers["efficiency_error"] < 1e-4


def test_equal_texts_are_painted_once_and_no_words_are_a_walk_without_words(planted):
    names, asked = ["a", "two", "two"], []

    def conditioning(prompts, seeds):
        asked.append(list(prompts))
        return planted.conditioning(prompts, seeds)

    target = planted.replace(conditioning=conditioning, prompt="a two two")
    played = finish(play(Game(target, [0, 1], 4, 8), 3, spaced(names), "words"))
    assert len(played.texts) == 8
    assert set(played.texts) == {"", "a", "two", "a two", "two two", "a two two"}
    assert len(asked[0]) == 2 * 6
    silent = finish(planted.pictures(planted.conditions(seeds=[0]), [0], scale=0.0, steps=4))
    assert (played.shown[""].x - silent[0]).abs().max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("name", NULLS)
def test_no_null_passes(name, planted):
    assert name in nulls_of("words")
    assert words(NULLS[name](planted, 1), quick=True).verdict != "pass"


def test_a_prompt_that_names_nothing_is_not_explained():
    found = words(planted_target("a small"), quick=True)
    assert found.verdict == "inconclusive"
    assert [row[0] for row in found.panels[0].rows] == ["a", "small"]
