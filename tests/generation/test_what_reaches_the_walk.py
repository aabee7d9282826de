"""Every setting of painting reaches the sampler, and every picture has its own condition."""

import pytest
import torch

from ddpm_clip.generation.request import CONDITION_KEY
from ddpm_clip.generation.text_to_image import TextToImage
from tests.tiny_run import CLASSES, tiny_run

SETTINGS = {
    "steps": 7,
    "sampler": "heun",
    "interval": (0.3, 4.0),
    "clamp": "dynamic",
    "rescale": 0.4,
}


@pytest.fixture(scope="module")
def tti(tmp_path_factory):
    run = tiny_run(tmp_path_factory.mktemp("tiny") / "run")
    return TextToImage.from_pretrained(str(run.folder), "cpu")


@pytest.fixture
def walked(tti, monkeypatch):
    """What the sampler is given: `walked("left", n=2)` -> (conditions, options)."""

    def ask(prompts, **overrides):
        seen = []

        def walk(network, c, **options):
            assert network is tti.model.network
            seen.append((c, options))
            return iter(())

        monkeypatch.setattr(tti.model.ddpm, "walk", walk)
        assert list(tti.walk(prompts, **overrides)) == []
        return seen[0]

    return ask


def test_settings_reach_the_sampler_as_they_were_asked(walked):
    _, options = walked("left", n=3, seed=8, guidance=(1.5,), **SETTINGS)
    assert {name: options[name] for name in SETTINGS} == SETTINGS
    assert options["seeds"] == [8, 9, 10]
    assert options["scale"].tolist() == [1.5] * 3
    nothing = ("c_neg", "x_start", "timesteps", "wrap")
    assert {name: options[name] for name in nothing} == dict.fromkeys(nothing)


def test_each_scale_and_prompt_has_its_row(walked, tti):
    c, options = walked(CLASSES, n=2, guidance=(1.0, 3.0))
    assert options["scale"].tolist() == [1.0, 1.0, 3.0, 3.0] * 2
    assert options["seeds"] == [0, 1] * 4
    left, right = tti.model.conditioner.texts(torch.eye(2), "identity")
    assert torch.equal(c, torch.stack([left] * 4 + [right] * 4))


def test_a_negative_prompt_becomes_the_condition_to_steer_away_from(walked, tti):
    c, options = walked("left", n=2, negative="right")
    left, right = tti.model.conditioner.texts(torch.eye(2), "identity")
    assert torch.equal(options["c_neg"], right.expand(2, -1))
    assert torch.equal(c, left.expand(2, -1))


def test_without_words_the_scale_is_0(walked):
    c, options = walked([], n=2, unconditional=True, guidance=(3.0,))
    assert options["scale"].tolist() == [0.0, 0.0]
    assert not c.any()


def test_the_noise_of_a_condition_is_of_its_seed_but_not_the_noise_of_its_picture(walked, tti):
    c, _ = walked("left", n=2, seed=5, bridge="noise")
    for row, seed in zip(c, (5, 6), strict=True):
        asked = [torch.Generator().manual_seed(key) for key in (seed ^ CONDITION_KEY, seed)]
        own, picture = (
            tti.model.conditioner.texts(torch.eye(2)[:1], "noise", generators=[one])[0]
            for one in asked
        )
        assert torch.equal(row, own)
        assert not torch.allclose(row, picture, atol=1e-3)


@pytest.mark.parametrize(
    "changed",
    [
        {"guidance": (3.0,)},
        {"sampler": "ddpm"},
        {"steps": 4},
        {"negative": "right"},
        {"interval": (0.5, 2.0)},
        {"clamp": "dynamic"},
        {"rescale": 1.0},
        {"unconditional": True},
        {"seed": 1},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_setting_changes_pixels(tti, changed):
    usual = {"n": 1, "guidance": (4.0,), "interval": (0.0, 1e9), "clamp": "static"}
    plain = tti.paint_all("left", tti.settings(**usual))[0].image.tobytes()
    other = tti.paint_all("left", tti.settings(**usual | changed))[0].image.tobytes()
    assert plain != other
