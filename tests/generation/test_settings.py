"""Every request gets its verdict in one place, before a model is asked."""

import math

import pytest

from ddpm_clip.errors import UsageError
from ddpm_clip.generation.settings import Settings


@pytest.mark.parametrize(
    ("overrides", "param"),
    [
        ({"interval": (3.0, 0.15)}, "interval"),
        ({"interval": (math.nan, 1.0)}, "interval"),
        ({"interval": (1.0,)}, "interval"),
        ({"interval": 3.0}, "interval"),
        ({"interval": "all"}, "interval"),
        ({"rescale": 5}, "rescale"),
        ({"rescale": math.nan}, "rescale"),
        ({"unconditional": True, "negative": "a rose"}, "negative"),
    ],
)
def test_an_invalid_setting_is_refused_by_name(overrides, param):
    with pytest.raises(UsageError) as refused:
        Settings().with_overrides(**overrides)
    assert refused.value.param == param


@pytest.mark.parametrize("family", ["sampler", "clamp", "bridge"])
def test_a_name_that_does_not_exist_is_refused_with_those_that_do(family):
    with pytest.raises(UsageError, match=f"unknown {family} 'nonsense'"):
        Settings().with_overrides(**{family: "nonsense"})


def test_none_leaves_a_setting_as_it_is():
    assert Settings().with_overrides(interval=None, bridge=None, negative=None) == Settings()
    assert Settings().with_overrides(interval=(0, 1e9)).interval == (0, 1e9)


def test_a_weight_is_one_less_than_its_scale():
    assert Settings().with_overrides(w=(-1, 0, 2.5)).guidance == (0.0, 1.0, 3.5)
    assert Settings().with_overrides(w=1).guidance == (2.0,)


def test_each_picture_of_a_prompt_has_the_next_seed_and_the_last_begins_again_at_0():
    assert Settings().with_overrides(n=3, seed=7).seeds() == [7, 8, 9]
    assert Settings().with_overrides(n=2, seed=2**32 - 1).seeds() == [2**32 - 1, 0]
