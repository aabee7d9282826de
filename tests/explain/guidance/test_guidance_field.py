"""The guidance field: closed forms, the known answer of the mixture, and no null gets through."""

import pytest
import torch

from ddpm_clip.explain import guidance_field
from ddpm_clip.explain.guidance.class_directions import sorted_by
from ddpm_clip.explain.guidance.field import field_of
from ddpm_clip.explain.target.nulls import NULLS, nulls_of
from ddpm_clip.explain.target.planted import planted_target, ten_modes
from ddpm_clip.explain.target.recorder import record
from tests.explain.stubborn import stubborn


@pytest.fixture(scope="module")
def planted():
    return planted_target("a two", range(16))


def test_the_field_is_what_the_posteriors_say(planted):
    recording = record(planted, at=[0, 4, 8])
    field, truth, c = field_of(recording), planted.network, planted.conditions()
    for i, t in enumerate(recording.t):
        alpha, sigma = planted.schedule.at(t)
        share = truth.posterior(recording.x_t[i], t, c) - truth.posterior(recording.x_t[i], t)
        weight = sigma**2 / (alpha**2 * truth.std**2 + sigma**2)
        exact = weight * (share @ truth.means.flatten(1)).view(16, 1, 8, 8)
        assert torch.allclose(field.delta[i].double(), exact, atol=1e-5)
        assert torch.allclose(field.rms[i], exact.square().flatten(1).mean(1).sqrt(), atol=1e-5)


def test_of_a_single_mode_in_a_pair_size_and_direction_are_closed_forms():
    # words decide between two far modes, noise hides both: the field is half their distance
    truth = ten_modes(tilt=60.0)
    two = type(truth)(truth.means[:2], truth.log_weights[:2], truth.std, truth.schedule, truth.tilt)
    target = planted_target("a one", range(4), mixture=two, steps=10)
    field = field_of(record(target, at=[0, 1]))
    half = (truth.means[1] - truth.means[0]) / 2
    assert torch.allclose(field.delta[0].double(), half.expand(4, 1, 8, 8), atol=2e-2)
    assert field.rms[0].tolist() == pytest.approx(
        [half.square().mean().sqrt().item()] * 4, rel=0.05
    )
    assert bool((field.turn[0] > 0.999).all())


@pytest.mark.slow
def test_on_the_mixture_it_points_to_the_mode_that_was_asked_for(planted):
    found = guidance_field(planted, quick=True)
    assert found.verdict == "pass"
    assert found.numbers["weight"]["worst_deviation"] < 1e-5
    assert found.numbers["cosine_above_best_other"]["low"] > 0.9
    assert found.numbers["pictures_that_lose_more"] >= 7
    assert len(found.panels) == 6


@pytest.mark.slow
def test_another_weight_than_was_asked_for_fails(planted):
    assert guidance_field(stubborn(planted), quick=True).verdict == "fail"


def test_directions_are_of_the_judged_means_and_unknown_where_pictures_are_few():
    truth = ten_modes()
    generator = torch.Generator().manual_seed(0)
    x = truth.draw(torch.arange(10).repeat(5)[:46], generator)  # of each mode 5, of four of them 4
    found = sorted_by(x, torch.eye(10)[torch.arange(10).repeat(5)[:46]])
    cosines = found.cosines(truth.means)
    assert bool((cosines.argmax(1) == torch.arange(10)).all())
    assert not bool(sorted_by(x[:15], torch.eye(10)[torch.arange(15) % 10]).known.any())


@pytest.mark.slow
@pytest.mark.parametrize("name", NULLS)
def test_no_null_passes(name, planted):
    assert name in nulls_of("guidance_field")
    assert guidance_field(NULLS[name](planted, 3), quick=True).verdict != "pass"


def test_where_nobody_judges_the_field_is_shown_and_nothing_concluded(planted):
    found = guidance_field(planted.replace(judging=None), quick=True)
    assert found.verdict == "inconclusive"
    assert len(found.panels) == 4
