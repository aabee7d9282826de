"""The test of the walk: exact on the mixture, and no null gets through."""

import math

import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.explain import trajectory
from ddpm_clip.explain.over_time.matching import match
from ddpm_clip.explain.over_time.settling import halved_at, slopes
from ddpm_clip.explain.target.nulls import NULLS, nulls_of
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.types import Prediction


@pytest.fixture(scope="module")
def planted():
    return planted_target("a two", range(16))


def test_on_the_exact_mixture_slopes_are_one_and_all_prompts_match(planted):
    found = trajectory(planted, quick=True)
    assert found.verdict == "pass"
    assert found.numbers["slopes"]["worst"] < 0.02
    assert found.numbers["prompts"]["right"] == found.numbers["prompts"]["n"] == 6
    assert found.numbers["n"] == 16
    assert [panel.title for panel in found.panels][:2] == [
        "What the network sees (x_t)",
        "What it predicts (x_0-hat)",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", NULLS)
def test_no_null_passes(name, seed, planted):
    assert name in nulls_of("trajectory")
    null = NULLS[name](planted.replace(seeds=tuple(range(8))), seed)
    assert trajectory(null, quick=True).verdict != "pass"


def test_without_an_embedder_there_is_no_verdict(planted):
    blind = planted.replace(wording=None)
    found = trajectory(blind, quick=True)
    assert found.verdict == "inconclusive"
    assert found.numbers["prompts"] is None


@pytest.mark.parametrize("bold", [0.5, 1.0, 2.0])
def test_a_network_that_is_too_bold_by_a_factor_has_the_slope_of_one_over_it(planted, bold):
    c = planted.conditions()
    x = planted.network.means[2].float().expand(16, -1, -1, -1)

    class Bold:
        schedule, ratio = planted.schedule, planted.ratio

        def predict(self, c, **overrides):
            return lambda x_t, t: Prediction(x_t, bold * x)

    assert torch.allclose(
        slopes(Bold(), x, c, [900.0, 400.0], range(16)).slope,
        torch.tensor(1 / bold, dtype=torch.float64),
    )


@pytest.mark.slow
def test_the_error_of_a_slope_is_as_wide_as_slopes_vary(planted):
    target = planted.replace(seeds=tuple(range(12)))
    c = target.conditions("anything")  # all modes: pictures differ, so slopes do
    generator = torch.Generator().manual_seed(0)
    found = []
    for i in range(60):
        modes = torch.randint(10, (12,), generator=generator)
        x = target.network.draw(modes, generator).float()
        found.append(slopes(target, x, c, [900.0], range(12 * i, 12 * i + 12)))
    spread = torch.stack([one.slope[0] for one in found]).std()
    told = torch.stack([one.error[0] for one in found]).mean()
    assert 0.6 < float(told / spread) < 1.6


def test_the_error_is_halved_where_it_stays_below_a_half():
    ratios = [100.0, 10.0, 1.0, 0.1]
    errors = torch.tensor([[1.0, 1.0], [0.4, 0.9], [0.6, 0.2], [0.1, 0.1]])
    found = halved_at(ratios, errors)
    assert math.isclose(float(found.mean), (-1 + 0) / 2)  # log10 of 0.1 and of 1


def test_matching_finds_a_planted_order_and_nothing_in_noise():
    generator = torch.Generator().manual_seed(0)
    texts = torch.randn(6, 32, generator=generator)
    gap = 5 * torch.randn(32, generator=generator)
    pictures = texts[:, None] + gap + 0.5 * torch.randn(6, 4, 32, generator=generator)
    found = match(pictures, texts)
    assert found.right == 6
    assert found.by_chance == 1 / 720
    chance = [
        match(torch.randn(5, 1, 32, generator=generator).expand(-1, 9, -1), texts[:5]).by_chance
        for _ in range(200)
    ]
    # pictures of a prompt are all alike, and still no more than 5 % pass
    assert sum(p <= 0.05 for p in chance) <= 18  # 10 expected, standard deviation 3.1
    with pytest.raises(UsageError):
        match(pictures[:1], texts[:1])
