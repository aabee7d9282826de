"""Names in a config become the objects they name."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from ddpm_clip.build import (
    bridge_options,
    build_ddpm,
    build_denoiser,
    build_embedder,
    build_schedule,
    usable_device,
)
from ddpm_clip.config.schema import ConditioningConfig, DiffusionConfig, EmbedderConfig, ModelConfig
from ddpm_clip.diffusion.parameterization import WEIGHTINGS
from ddpm_clip.diffusion.schedules import NOISE_LEVELS, SCHEDULES
from ddpm_clip.embedders import EMBEDDERS
from ddpm_clip.errors import UsageError
from ddpm_clip.models import DENOISERS


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_built_with_its_length_and_betas(name):
    schedule = build_schedule(DiffusionConfig(schedule=name, timesteps=60, beta_end=0.03))
    plain = build_schedule(DiffusionConfig(schedule=name, timesteps=60))
    assert schedule.T == 60
    assert torch.equal(schedule.alpha, plain.alpha) == (name in ("cosine", "sigmoid"))


def test_zero_terminal_snr_is_built_for_v_and_refused_for_eps():
    assert build_schedule(DiffusionConfig(zero_terminal_snr=True)).alpha[-1] == 0
    with pytest.raises(UsageError, match="zero terminal SNR") as refused:
        build_schedule(DiffusionConfig(zero_terminal_snr=True, parameterization="eps"))
    assert "diffusion.parameterization=v" in refused.value.fix


@pytest.mark.parametrize("levels", ["uniform", "lognormal"])
def test_training_levels_reach_the_ddpm(levels):
    ddpm = build_ddpm(DiffusionConfig(noise_levels=levels, timesteps=100, p_mean=-3.0, p_std=0.01))
    rows = ddpm.draw_timesteps(200, torch.Generator().manual_seed(0))
    alpha, sigma = ddpm.schedule.at(rows)
    spread = (sigma / alpha).log().std().item()
    assert (spread < 0.1) == (levels == "lognormal")


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_the_weighting_of_the_loss_and_its_sigma_reach_the_ddpm(weighting):
    ddpm = build_ddpm(DiffusionConfig(weighting=weighting, sigma_data=0.3))
    assert ddpm.weighting is WEIGHTINGS[weighting]
    assert ddpm.sigma_data == 0.3


@pytest.mark.parametrize("arch", DENOISERS)
def test_every_network_is_built_from_the_same_options(arch):
    options = ModelConfig(arch=arch, down_chs=(8, 16, 16), stem=1, t_embed_dim=8)
    network = build_denoiser(options, T=50, img_ch=1, img_size=16, c_embed_dim=9)
    kind = DENOISERS[arch]
    assert isinstance(network, getattr(kind, "func", kind))  # of a variant, the class beneath
    assert network.image_shape == (1, 16, 16)
    assert network.c_embed_dim == 9


@pytest.mark.parametrize(
    ("option", "value"),
    [("blocks", 2), ("stem", 2), ("attention", 8), ("t_embed_dim", 16), ("norm_groups", 4)],
)
def test_every_option_of_the_network_reaches_it(option, value):
    plain = {"down_chs": (8, 16, 16), "blocks": 1, "stem": 1, "attention": 0, "t_embed_dim": 8}
    size = {"T": 50, "img_ch": 1, "img_size": 16, "c_embed_dim": 9}

    def text(**more):
        return repr(build_denoiser(ModelConfig(**plain | more), **size))

    assert text(**{option: value}) != text()


def test_dropout_reaches_every_residual_block():
    options = ModelConfig(down_chs=(8, 16, 16), stem=1, t_embed_dim=8, dropout=0.3)
    network = build_denoiser(options, T=50, img_ch=1, img_size=16, c_embed_dim=9)
    found = [one.p for one in network.modules() if isinstance(one, torch.nn.Dropout)]
    assert found
    assert set(found) == {0.3}


def test_names_that_do_not_exist_are_refused():
    with pytest.raises(UsageError, match="unknown network 'unett'"):
        build_denoiser(ModelConfig(arch="unett"), T=50, img_ch=1, img_size=16, c_embed_dim=9)
    with pytest.raises(UsageError, match="unknown schedule"):
        build_schedule(DiffusionConfig(schedule="cosinus"))


def test_bridge_settings_are_handed_over():
    wanted = {
        "bridge": "knn",
        "text_noise": 0.2,
        "knn_k": 7,
        "knn_tau": 0.06,
        "knn_beta": 0.3,
        "prior_truncation": 0.9,
        "noise_max": 0.5,
    }
    assert asdict(bridge_options(ConditioningConfig(**wanted))) == wanted
    assert bridge_options(ConditioningConfig(noise_prob=0, noise_max=0.5)).noise_max == 0


def test_a_device_that_is_not_here_is_refused_and_the_ones_that_can_be_are_named():
    assert usable_device("cpu") == torch.device("cpu")
    for name in ("abacus", "meta", "cuda:99"):
        with pytest.raises(UsageError, match=name) as refused:
            usable_device(name)
        assert "cuda" in refused.value.fix


class Opened:
    """An embedder of another package; it holds what it was opened with."""

    def __init__(self, **options):
        self.options = options


OPENERS = {
    "bare": lambda: Opened(),
    "sized": lambda *, batch_size, device: Opened(batch_size=batch_size, device=device),
    "named": lambda classes, model="own": Opened(classes=classes, model=model),
    "kept": lambda folder: Opened(folder=folder),
}


@pytest.mark.parametrize(
    ("name", "model", "options"),
    [
        ("bare", None, {}),
        ("sized", None, {"batch_size": 64, "device": torch.device("cpu")}),
        ("named", None, {"classes": ("cat", "dog"), "model": "own"}),
        ("named", "theirs", {"classes": ("cat", "dog"), "model": "theirs"}),
        ("kept", "clip", {"folder": Path("clip")}),
    ],
)
def test_an_embedder_of_another_package_gets_the_options_that_it_has(
    name, model, options, monkeypatch
):
    monkeypatch.setitem(EMBEDDERS._entries, name, OPENERS[name])
    config = EmbedderConfig(name=name, model=model)
    assert build_embedder(config, classes=("cat", "dog")).options == options


def test_noise_levels_of_another_package_get_the_options_that_they_have(monkeypatch):
    def low(u, schedule, p_mean):
        return u * abs(p_mean)

    monkeypatch.setitem(NOISE_LEVELS._entries, "low", low)
    ddpm = build_ddpm(DiffusionConfig(noise_levels="low", p_mean=-3.0))
    assert ddpm.level_options == {"p_mean": -3.0}
