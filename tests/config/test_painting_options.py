"""An option is declared once: config and settings agree on its default, range and meaning."""

import math
from dataclasses import fields

import pytest

from ddpm_clip.conditioning.bridges import BRIDGES
from ddpm_clip.config.painting_options import OPTIONS, Option, PaintingOptions
from ddpm_clip.config.resolve import dotted_keys, resolve
from ddpm_clip.config.schema import GenerationConfig
from ddpm_clip.diffusion.guidance import CLAMPS
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.errors import ConfigError, UsageError
from ddpm_clip.generation.settings import Settings

SHARED = [field.name for field in fields(PaintingOptions)]
RANGED = [name for name, option in OPTIONS.items() if option.range is not None]


@pytest.mark.parametrize("name", SHARED)
def test_config_and_settings_have_it_with_one_default(name):
    assert getattr(GenerationConfig(), name) == getattr(Settings(), name)


def test_the_help_names_every_sampler_and_bridge_and_the_page_every_clamp(cli):
    """`--help` must not import torch to list them, so they are typed there, and compared here."""
    shown = " ".join(cli("generate", "--help").out.split())
    assert [name for name in (*SAMPLERS, *BRIDGES) if name not in shown] == []
    assert [name for name in CLAMPS if name not in OPTIONS["clamp"].description] == []


def test_the_scale_of_a_config_is_the_only_one_of_the_settings():
    assert Settings().guidance == (GenerationConfig().guidance,)
    assert set(OPTIONS) == {*SHARED, "guidance"}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_config_says_what_it_means(name):
    assert isinstance(OPTIONS[name], Option)
    assert dotted_keys()[f"generation.{name}"] == OPTIONS[name].description


@pytest.mark.parametrize("name", RANGED)
def test_config_and_settings_refuse_the_same_numbers(name):
    low, high, _ = OPTIONS[name].range
    for value in (low, high):
        config, _ = resolve(assignments=[f"generation.{name}={value}"], environ={})
        settings = Settings().with_overrides(**{name: value})
        assert getattr(config.generation, name) == value
        assert getattr(settings, name) in (value, (value,))
    for value in (math.floor(low) - 1, math.ceil(high) + 1):
        if (name, value) != ("seed", -1):  # which the settings draw
            with pytest.raises(UsageError):
                Settings().with_overrides(**{name: value})
        with pytest.raises(ConfigError):
            resolve(assignments=[f"generation.{name}={value}"], environ={})
