"""The first noise: known basins, planted frequencies, and no null gets through."""

import pytest
import torch

from ddpm_clip.explain import initial_noise
from ddpm_clip.explain.maths.spectrum import centroid, radial_spectrum
from ddpm_clip.explain.noise.noise_blocks import blocks_of, exchange_blocks
from ddpm_clip.explain.noise.noise_layout import layout
from ddpm_clip.explain.noise.noise_trades import combine_noise
from ddpm_clip.explain.target.class_prompts import prompts_of
from ddpm_clip.explain.target.nulls import NULLS, nulls_of
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.models.ddpm import noise_of
from ddpm_clip.utils.generators import finish


@pytest.fixture(scope="module")
def planted():
    return planted_target("a two", range(16))


@pytest.mark.slow
def test_on_the_mixture_words_decide_the_class_and_without_them_the_noise_does(planted):
    found = initial_noise(planted, quick=True)
    assert found.verdict == "pass"
    judged = found.numbers["layouts"][0]["variance"]["what the judge says"]
    assert judged["prompt"] > 0.99
    assert found.numbers["probe"]["p"] == 1 / 40
    assert found.numbers["probe"]["r2"]["low"] > 0.1
    assert found.numbers["probe_where_noise_is_added"]["r2"]["mean"] < 0.05


@pytest.mark.slow
def test_the_basins_of_the_mixture_are_those_of_the_nearest_mode(planted):
    """Of equally likely modes of one length and spread the flow ends in the nearest (symmetry)."""
    seeds = list(range(1000, 1200))
    c = planted.conditions(seeds=seeds)
    x = finish(planted.pictures(c, seeds, scale=0.0, sampler="ddim", steps=40))
    ended = planted.network.coordinates(x).argmax(1)
    noise = noise_of(seeds, (200, 1, 8, 8), "cpu")(-1)
    assert (planted.network.coordinates(noise).argmax(1) == ended).double().mean() > 0.95


def test_without_guidance_there_is_no_effect_of_the_prompt(planted):
    found = finish(layout(planted, [0, 1, 2, 3], 4, 6, 0.0, 19))
    assert found.shares["pixels"].prompt == pytest.approx(0, abs=1e-9)
    assert found.shares["pixels"].seed == pytest.approx(1)
    assert found.shares["what the judge says"].p_prompt == 1


def test_crossed_noise_gives_the_picture_of_its_givers_at_both_ends(planted):
    trades = finish(combine_noise(planted, 4, [1.0, 3.0], 8, "dpmpp_2m"))
    assert trades.cuts == [-1.0, 1.0, 3.0, 16.0]
    assert trades.share[0].tolist() == [0] * 4
    assert trades.share[-1].tolist() == [1] * 4
    seeds = planted.more_seeds(8)
    own = finish(planted.pictures(planted.conditions(seeds=seeds), seeds, steps=8))
    assert torch.allclose(trades.x[0], own[4], atol=1e-5)
    assert torch.allclose(trades.x[-1], own[0], atol=1e-5)


def test_the_class_goes_with_the_frequencies_in_which_modes_differ(planted):
    """Without words; all patterns of the mixture lie at or below four waves."""
    assert centroid(radial_spectrum(planted.network.means)).max() < 3.5
    silent = planted.replace(settings=planted.settings.with_overrides(guidance=0.0))
    trades = finish(combine_noise(silent, 24, [0.0, 5.0], 10, "dpmpp_2m"))
    assert trades.share[1].mean() < 0.15
    assert trades.share[2].mean() > 0.85
    assert 0 < trades.half < 5


def test_within_a_mode_a_block_of_noise_moves_its_own_block_only(planted):
    """A mode is round: told which, the posterior's mean is that of every pixel by itself."""
    found = finish(exchange_blocks(planted, 3, 12, "dpmpp_2m"))
    assert found.stays.tolist() == pytest.approx([1.0] * 3, abs=1e-3)
    assert (found.by_chance < 0.3).all()
    area = blocks_of(8, 8).double().mean((1, 2)).view(3, 3)
    assert torch.allclose(found.moves, area, atol=0.1)


def test_without_words_a_block_of_noise_can_change_the_mode_and_so_everything(planted):
    silent = planted.replace(settings=planted.settings.with_overrides(guidance=0.0))
    assert finish(exchange_blocks(silent, 16, 10, "dpmpp_2m")).stays.mean() < 0.7


def test_no_block_is_the_receivers_picture_and_every_block_the_givers(planted):
    found = finish(exchange_blocks(planted, 2, 8, "dpmpp_2m"))
    seeds = planted.more_seeds(4)
    own = finish(planted.pictures(planted.conditions(seeds=seeds), seeds, steps=8))
    assert torch.allclose(found.x[0], own[2], atol=1e-5)
    assert torch.allclose(found.x[-1], own[0], atol=1e-5)
    assert blocks_of(8, 7).sum(0).eq(1).all()


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("a Two, small", ["a two, small", "a zero, small", "a one, small"]),
        ("An eight", ["An eight", "A zero", "A one"]),
        ("twos", ["two", "zero", "one"]),
        ("a 2", ["two", "zero", "one"]),
        ("nothing", ["zero", "one", "two"]),
    ],
)
def test_prompts_of_other_classes_differ_by_the_class(prompt, asked):
    target = planted_target(prompt)
    found, classes = prompts_of(target, 3)
    assert found == asked
    assert classes == ([0, 1, 2] if target.asked_class is None else [target.asked_class, 0, 1])


@pytest.mark.slow
@pytest.mark.parametrize("name", NULLS)
def test_no_null_passes(name, planted):
    assert name in nulls_of("initial_noise")
    assert initial_noise(NULLS[name](planted, 1), quick=True).verdict != "pass"
