"""The map of the shipped digits, and of models that have none."""

import pytest
import torch

from ddpm_clip.errors import DataError
from ddpm_clip.studio.map.view import place, view

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seen(digits):
    return view(digits, "digits")


def test_pictures_and_words_lie_within_its_bounds(seen):
    left, low, right, high = seen["bounds"]
    for one in seen["pictures"]:
        assert left < one["x"] < right
        assert low < one["y"] < high
        assert one["label"] in (
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
        )
    assert len(seen["pictures"]) == 1500
    assert 0 < seen["explained"] < 1


def test_a_word_lies_where_its_pictures_lie(seen):
    words = {one["text"]: (one["x"], one["y"]) for one in seen["words"]}
    own, other = [], []
    for picture in seen["pictures"]:
        at = torch.tensor([picture["x"], picture["y"]])
        for word in ("zero", "three"):
            away = (at - torch.tensor(words[word])).norm()
            (own if picture["label"] == word else other).append(away)
    assert torch.stack(own).mean() < 0.7 * torch.stack(other).mean()


def test_a_prompt_has_a_place_with_every_bridge(digits, seen):
    told = place(digits, "zero")
    assert told["bridges"].keys() == set(digits.model.conditioner.bridges) - {"identity"}
    word = next(one for one in seen["words"] if one["text"] == "zero")
    assert told["bridges"][seen["bridge"]] == pytest.approx([word["x"], word["y"]], abs=1.5)
    assert told["text"] == word["unbridged"]
    assert told["coverage"]["verdict"] == "covered"
    assert "of 10,000 training pictures" in told["coverage"]["sentence"]


def test_what_is_outside_is_told_with_suggestions(digits):
    told = place(digits, "a purple horse")["coverage"]
    assert told["verdict"] == "outside"
    assert len(told["suggestions"]) == 3


def test_two_pictures_span_no_map(tiny):
    with pytest.raises(DataError, match="no map"):
        view(tiny, "tiny")
