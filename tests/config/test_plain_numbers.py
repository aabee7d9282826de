"""A number is a number, also one of NumPy or torch; a prompt is text, or refused as one."""

import json
from fractions import Fraction

import numpy as np
import pytest
import torch

from ddpm_clip import TextToImage
from ddpm_clip.config.limits import NUMBERS, WHOLE, checked_seeds, checked_whole, plain, within
from ddpm_clip.coverage.prompt_coverage import PromptCoverage
from ddpm_clip.editing import read_idea
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.errors import UsageError
from ddpm_clip.explain import target_of
from ddpm_clip.generation.parameters import parameters
from ddpm_clip.generation.request import placed, requests_for
from ddpm_clip.generation.settings import Settings

KINDS = (np.int64, np.uint8, np.array, torch.tensor)


@pytest.fixture(scope="module")
def digits():
    return TextToImage.from_pretrained("digits", "cpu")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_number_of_numpy_or_torch_is_one(name, kind):
    found = checked_whole(name, kind(2))
    assert (found, type(found)) == (2, int)


@pytest.mark.parametrize("kind", [*KINDS, np.float32, np.float16, Fraction])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_of_numpy_or_torch_is_one(name, kind):
    (found,) = within(name, kind(1))
    assert (found, type(found)) == (1.0, float)


@pytest.mark.parametrize(
    "value",
    [
        np.bool_(True),
        np.float64(2.0),
        np.float32("nan"),
        np.array([2, 3]),
        np.str_("2"),
        torch.tensor(True),
        torch.tensor(2.0),
        Fraction(5, 2),
        b"2",
        None,
        object(),
    ],
)
def test_what_is_no_whole_number_is_refused_as_before(value):
    with pytest.raises(UsageError, match=r"n = .* is not a whole number"):
        checked_whole("n", value)


@pytest.mark.parametrize("value", [np.bool_(True), np.float32("inf"), np.str_("2"), b"2", 1j])
def test_what_is_no_number_is_refused_as_before(value):
    with pytest.raises(UsageError, match=r"rescale = .* is not a number"):
        within("rescale", value)


def test_seeds_may_be_an_array_or_a_number_of_one():
    assert checked_seeds(np.arange(3, 6)) == [3, 4, 5]
    assert checked_seeds(np.int64(2)) == [0, 1]
    assert checked_seeds([np.uint8(7)]) == [7]
    for wrong in (2.5, np.float64(2.5), None):
        with pytest.raises(UsageError, match=r"seed = .* is not a whole number"):
            checked_seeds(wrong)


ODD = {
    "n": np.int64(2),
    "seed": np.uint32(7),
    "steps": torch.tensor(3),
    "batch": np.int16(5),
    "guidance": np.float32(2),
    "rescale": np.float32(0.5),
    "clip_guidance": np.float64(0),
    "interval": np.array([0.5, 2.0]),
    "unconditional": np.bool_(False),
}


@pytest.mark.parametrize("made", [Settings().with_overrides, Settings])
def test_settings_hold_and_record_plain_numbers(made, digits):
    settings = made(**ODD | ({} if made is not Settings else {"guidance": (np.float32(2),)}))
    kept = {name: getattr(settings, name) for name in ODD if name != "guidance"}
    assert kept == {name: plain(value) for name, value in ODD.items() if name != "guidance"}
    assert settings.seeds() == [7, 8]
    requests = requests_for("six", settings)
    told = parameters(placed(None, requests, 0, 0), digits.model, settings)
    assert json.loads(json.dumps(told))["guidance"] == 2.0


def test_a_random_seed_may_be_asked_for_by_a_number_of_numpy():
    assert Settings().with_overrides(seed=np.int64(-1)).seed >= 0


NO_TEXT = [5, None, b"rose", ["a rose", 5], [None], np.int64(3), 1.5, {"rose": 1}.values()]


@pytest.mark.parametrize("prompt", NO_TEXT, ids=repr)
@pytest.mark.parametrize(
    "ask",
    [
        lambda tti, prompt: tti(prompt, n=1, steps=1),
        lambda tti, prompt: tti.walk(prompt, steps=1),
        lambda tti, prompt: tti.conditions(prompt, tti.settings(), [0]),
        lambda tti, prompt: tti.settings(negative=prompt).negative or read_idea(prompt, tti.model),
        lambda tti, prompt: read_idea(prompt, tti.model),
        lambda tti, prompt: PromptCoverage(tti.model).ask(prompt),
        lambda tti, prompt: target_of(tti, prompt, 1),
        lambda tti, prompt: TextEmbeddings(tti.model.embedder.embed_texts)(prompt),
    ],
    ids=["paint", "walk", "conditions", "negative", "idea", "coverage", "explain", "embed"],
)
def test_a_prompt_that_is_no_text_is_refused_as_ours(ask, prompt, digits):
    with pytest.raises(UsageError, match=r"prompt|negative"):
        ask(digits, prompt)


def test_several_prompts_may_come_in_any_iterable():
    named = requests_for(dict.fromkeys(["a rose", "a tulip"]), Settings().with_overrides(n=1))
    assert [one.prompt for one in named] == ["a rose", "a tulip"]
