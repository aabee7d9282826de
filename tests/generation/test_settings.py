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
