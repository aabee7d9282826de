"""The condition taken apart: known answers on the mixture, and no null gets through."""

import pytest
import torch

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.explain import embedding
from ddpm_clip.explain.maths.integrated_gradients import integrate
from ddpm_clip.explain.prompt.class_readout import fit_readout
from ddpm_clip.explain.prompt.condition_parts import average_condition, gap_coordinates, parts_of
from ddpm_clip.explain.prompt.path import PathSetup, rank_correlation, score_of_conditions
from ddpm_clip.explain.target.nulls import NULLS, nulls_of, random_weights
from ddpm_clip.explain.target.planted import planted_target, ten_modes
from ddpm_clip.utils.generators import finish


@pytest.fixture(scope="module")
def planted():
    return planted_target("a two", range(16))


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.slow
def test_on_the_mixture_one_coordinate_bears_the_whole_change(planted):
    found = embedding(planted, quick=True)
    assert found.verdict == "pass"
    assert found.numbers["completeness_error"] < 0.05
    each, change = found.numbers["coordinates"], found.numbers["change"]["mean"]
    assert each[2].item() == pytest.approx(change, rel=0.05)
    assert each[torch.arange(10) != 2].abs().max() < 1e-12
    parts = {one["part"]: one["adds"] for one in found.numbers["parts"]}
    assert parts["two"] == pytest.approx(change, rel=0.05)
    assert abs(parts["the rest"]) < 1e-5


def test_a_prompt_of_two_classes_shares_its_change_between_their_coordinates():
    """With one step from pure noise E[x_0] = sum softmax(tilt c)_k m_k: a closed form."""
    truth = ten_modes(tilt=4.0)
    target = planted_target("a two", range(2), mixture=truth, guidance=1.0)
    end = torch.zeros(2, 10)
    end[:, 2], end[:, 5] = 1.0, -0.5
    readout = fit_readout(truth.means.float(), torch.eye(10)[2])
    setup = PathSetup([0, 1], [], 1, 16, torch.zeros(2, 10), end)
    found = finish(
        integrate(score_of_conditions(target, setup, readout), setup.start, end, cuts=16)
    )

    means = truth.means.flatten(1).float() @ readout.weights.flatten()  # (10,) scores
    at = (torch.arange(2000) + 0.5) / 2000
    share = (4.0 * at[:, None] * end[:1]).softmax(1)  # (2000, 10)
    slope = 4.0 * share * (means - (share @ means)[:, None])
    wanted = (slope.mean(0) * end[0]).tolist()
    assert found.attributions[0].tolist() == pytest.approx(wanted, abs=0.02)


def test_parts_sum_to_the_way_and_the_gap_stands_alone(planted):
    c = planted.conditions(["a two"] * 3, [0, 1, 2])
    parts = parts_of(planted, c, torch.zeros_like(c), [0, 1, 2])
    assert torch.allclose(parts.parts.sum(0), c, atol=1e-6)
    assert "gap coordinates" not in parts.names
    assert gap_coordinates(planted) == []


def test_the_gap_is_where_pictures_and_words_lie_furthest_apart(planted):
    images, gap = drawn(200, 10), torch.zeros(10)
    gap[4], gap[7] = 9.0, -6.0
    conditioner = Conditioner.fit(images, images[:50] + gap)
    target = planted.replace(conditioner=conditioner)
    assert gap_coordinates(target) == [4, 7]
    c = drawn(2, 10, seed=3)
    start = average_condition(target, c)
    assert start[:, :-1].abs().max() == 0
    assert torch.equal(start[:, -1], c[:, -1])  # the level of noise is no part of what is said
    parts = parts_of(target, c, start, [0, 1])
    assert parts.names[-2:] == ["gap coordinates", "the rest"]
    assert parts.parts[-2].nonzero()[:, 1].unique().tolist() == [4, 7]
    assert torch.allclose(parts.parts.sum(0), c - start, atol=1e-5)
    conditioner.mode = "raw"
    assert torch.equal(average_condition(target, c), conditioner.mean_image.expand(2, -1))


def test_a_readout_says_of_new_pictures_what_the_judge_says_and_admits_where_it_cannot():
    truth = ten_modes()
    modes = torch.arange(80) % 10
    x = truth.draw(modes, torch.Generator().manual_seed(0)).float()
    readout = fit_readout(x, (modes == 2).float())
    assert readout.r2 > 0.9
    assert readout.score(truth.means.float())[2].item() == pytest.approx(1, abs=0.1)
    assert readout.score(truth.means.float())[torch.arange(10) != 2].abs().max() < 0.1
    assert fit_readout(x, torch.rand(80, generator=torch.Generator().manual_seed(1))).r2 < 0.1
    assert fit_readout(x, torch.zeros(80)).r2 == 0


@pytest.mark.slow
def test_random_weights_give_other_attributions(planted):
    null = random_weights(planted, 0)
    end = drawn(3, 10)
    readout = fit_readout(ten_modes().means.float(), torch.eye(10)[2])
    setup = PathSetup([0, 1, 2], [], 2, 4, torch.zeros(3, 10), end)
    a, b = (
        finish(integrate(score_of_conditions(one, setup, readout), setup.start, end, cuts=4))
        for one in (planted, null)
    )
    assert abs(rank_correlation(a.attributions.mean(0), b.attributions.mean(0))) < 0.8
    assert rank_correlation(torch.arange(5.0), torch.arange(5.0) ** 3) == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.parametrize("name", NULLS)
def test_no_null_passes(name, planted):
    assert name in nulls_of("embedding")
    assert embedding(NULLS[name](planted, 1), quick=True).verdict != "pass"
