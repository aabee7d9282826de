"""A config is judged before any work: names, and keys without an effect."""

import warnings
from pathlib import Path

import pytest

from ddpm_clip.config.resolve import resolve
from ddpm_clip.config.schema import SECTIONS, Config
from ddpm_clip.errors import ConfigError, UsageError
from ddpm_clip.training.prepare.checks import check_parts, warn_of_unused

HOME = Path(__file__).resolve().parents[3]
NAMES = {
    "model.arch": "unett",
    "diffusion.schedule": "bogus",
    "diffusion.parameterization": "bogus",
    "diffusion.weighting": "bogus",
    "diffusion.noise_levels": "bogus",
    "embedder.name": "bogus",
    "embedder.image_tower": "bogus",
    "embedder.text_tower": "bogus",
    "embedder.loss": "bogus",
    "conditioning.bridge": "bogus",
    "conditioning.c_drop_mode": "bogus",
    "conditioning.mode": "bogus",
    "data.source": "minst",
    "data.crop": "bogus",
    "data.background": "no-colour",
    "training.optimizer": "bogus",
    "training.dtype": "bogus",
    "training.device": "bogus",
    "generation.sampler": "bogus",
    "generation.clamp": "bogus",
    "distillation.method": "bogus",
    "distillation.features": "bogus",
}
FREE = {"embedder.model", "embedder.init", "generation.clip_guide", "distillation.teacher"}
FREE |= {"training.judge"}
"""Paths and hub ids, which are only known when they are opened."""


@pytest.mark.parametrize("key", NAMES)
def test_print_config_judges_every_name(key, cli):
    ended = cli("train", "mnist", "--set", f"{key}={NAMES[key]}", "--print-config")
    if key == "data.source":
        ended = cli("train", NAMES[key], "--print-config")
    assert ended.code == 2
    assert ended.out == ""
    assert NAMES[key] in ended.err


def test_every_key_that_is_a_name_is_tried():
    kinds = {
        f"{section}.{name}": field
        for section in SECTIONS
        for name, field in Config.model_fields[section].annotation.model_fields.items()
    }
    texts = {key for key, field in kinds.items() if isinstance(field.default, str)}
    texts |= {key for key, field in kinds.items() if field.annotation == (str | None)}
    assert texts - FREE == NAMES.keys()


@pytest.mark.parametrize("name", sorted(path.name for path in (HOME / "config").glob("*.yaml")))
def test_the_config_files_here_have_no_key_without_an_effect(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        config, origins = resolve(file=HOME / "config" / name, environ={})
        check_parts(config)
        warn_of_unused(config, origins)


OLD = """
{where}
  timesteps: 400
  beta_start: 0.0001
  beta_end: 0.02
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["diffusion:", "training:"])
def test_betas_that_the_schedule_ignores_are_told_with_their_file(where, cli, tmp_path):
    path = tmp_path / "old.yaml"
    path.write_text(OLD.format(where=where))
    ended = cli("train", "mnist", "--config", path, "--print-config")
    assert ended.code == 0, ended.err
    assert (
        f"warning: diffusion.beta_start, diffusion.beta_end (from {path}) have no effect with "
        "diffusion.schedule = cosine" in ended.err
    )
    linear = ("--set", "diffusion.schedule=linear")
    assert "no effect" not in cli("train", "--config", path, *linear, "--print-config").err


def test_other_keys_without_an_effect_are_told_as_well():
    def said(*assignments):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            warn_of_unused(*resolve(assignments=assignments, environ={}))
        return [str(one.message) for one in told]

    assert "diffusion.p_mean" in said("diffusion.noise_levels=uniform", "diffusion.p_mean=0")[0]
    assert "model.dropout" in said("model.arch=course_unet", "model.dropout=0.1")[0]
    assert said("model.dropout=0.1") == said("model.arch=course_unet") == []


def test_several_places_of_pictures_are_refused_and_one_is_taken(tmp_path):
    path = tmp_path / "old.yaml"
    path.write_text("data_paths: [a, b]\n")
    with pytest.raises(ConfigError, match="data_paths lists 2 places"):
        resolve(file=path, environ={})
    path.write_text("data_paths: [a]\n")
    assert resolve(file=path, environ={})[0].data.source == "a"
    path.write_text("data: {data_paths: [a, b]}\n")
    with pytest.raises(ConfigError, match="data_paths lists 2 places"):
        resolve(file=path, environ={})


def test_a_source_that_is_neither_a_name_nor_a_path_is_refused():
    check_parts(resolve(assignments=["data.source=./not-there"], environ={})[0])
    check_parts(resolve(assignments=["data.source=npz:not-there.npz"], environ={})[0])
    with pytest.raises(UsageError, match="minst"):
        check_parts(resolve(assignments=["data.source=minst"], environ={})[0])
