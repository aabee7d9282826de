"""Guidance weights compared: paired seeds, the true order, and the weight that was asked for."""

import pytest
import torch

from ddpm_clip.explain import guidance_weights
from ddpm_clip.explain.guidance.guidance_weights import compare
from ddpm_clip.explain.target.nulls import NULLS, nulls_of
from ddpm_clip.explain.target.planted import planted_target, ten_modes
from ddpm_clip.utils.generators import finish
from tests.explain.stubborn import stubborn


@pytest.fixture(scope="module")
def planted():
    return planted_target("a two", range(8))


@pytest.mark.slow
def test_each_weight_paints_what_painting_with_it_paints(planted):
    compared = finish(compare(planted, [0.0, 2.0], list(planted.seeds), quick=False))
    for scale, x in zip(compared.scales, compared.x, strict=True):
        assert torch.equal(x, finish(planted.pictures(planted.conditions(), scale=scale)).float())


@pytest.mark.slow
def test_on_the_mixture_more_guidance_makes_surer_and_less_various(planted):
    weak = planted_target("a two", range(16), mixture=ten_modes(tilt=3.0))
    found = guidance_weights(weak, scales=(0.0, 1.0, 2.0, 4.0))
    mean = found.numbers["log_odds"]["mean"]
    assert mean == sorted(mean)
    assert found.numbers["rises_up_to_best"]
    assert found.numbers["variety"][0] > found.numbers["variety"][-1]
    assert found.verdict == "pass"


def test_without_words_a_mode_comes_as_often_as_it_weighs():
    compared = finish(
        compare(planted_target("a two", range(64)), [0.0, 2.0], list(range(64)), True)
    )
    share = (compared.odds[0] > 0).double().mean().item()
    assert share < 0.25  # of ten modes one; 0.1 and four standard deviations
    assert (compared.odds[1] > 0).all()


@pytest.mark.slow
def test_another_weight_than_was_asked_for_fails(planted):
    found = guidance_weights(stubborn(planted), quick=True)
    assert found.verdict == "fail"
    assert found.numbers["worst_deviation_of_weight"] == pytest.approx(3, abs=1e-3)  # 0 was asked


@pytest.mark.slow
@pytest.mark.parametrize("name", NULLS)
def test_no_null_passes(name, planted):
    assert name in nulls_of("guidance_weights")
    assert guidance_weights(NULLS[name](planted, 1), quick=True).verdict != "pass"
