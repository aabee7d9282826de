"""Errors by noise level: known answers of a network that knows the pictures of its conditions."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ddpm_clip.diffusion.schedules import cosine
from ddpm_clip.models import DDPM

HOME = Path(__file__).parents[2] / "benchmarks"
N, SIDE = 90, 4


@pytest.fixture
def levels(monkeypatch):
    monkeypatch.syspath_prepend(str(HOME))
    return importlib.import_module("noise_levels")


@pytest.fixture
def linear():
    """Pictures that are a linear map of their conditions, whose last column is the noise level."""
    draws = torch.Generator().manual_seed(3)
    c = torch.cat([torch.randn(N, 5, generator=draws), torch.zeros(N, 1)], dim=1)
    paint = torch.randn(5, SIDE * SIDE, generator=draws) * 0.2
    return c, (c[:, :-1] @ paint + 0.1).view(N, 1, SIDE, SIDE), paint


def test_a_linear_map_is_found_and_the_mean_picture_leaves_the_variance(levels, linear):
    c, x, _ = linear
    assert levels.linear_error(c, x) < 1e-9
    assert levels.mean_error(x) == pytest.approx(x.var(0, correction=0).mean().item(), abs=1e-5)
    mixed = x[torch.randperm(N, generator=torch.Generator().manual_seed(0))]
    assert levels.linear_error(c, mixed) > 0.8 * levels.mean_error(x)


def test_what_a_network_knows_of_its_condition_is_told_at_every_level(levels, linear):
    c, x, paint = linear
    ddpm = DDPM(cosine(1000), parameterization="v")

    def network(x_t, t, c, c_mask):
        """Paints from the condition alone; without it the mean picture."""
        known = (c[:, :-1] @ paint + 0.1).view_as(x_t)
        x_0 = torch.where(c_mask[:, :, None, None] > 0.5, known, x.mean(0))
        alpha, sigma = ddpm._levels(t, x_t)
        return (alpha * x_t - x_0) / sigma

    found = levels.error_by_level(
        SimpleNamespace(model=SimpleNamespace(ddpm=ddpm, network=network)), x, c
    )
    assert max(found["with_condition"]) < 1e-4
    blind = torch.tensor(found["without_condition"])
    torch.testing.assert_close(
        blind, torch.full_like(blind, levels.mean_error(x)), rtol=1e-3, atol=1e-5
    )


def test_the_claim_is_about_the_highest_noise(levels):
    def arm(last):
        return {"with_condition": [0.1] * (len(levels.LEVELS) - 1) + [last]}

    (better,) = levels.claims({"low": arm(0.2), "high": arm(0.1)})
    (worse,) = levels.claims({"low": arm(0.1), "high": arm(0.2)})
    assert (better["holds"], better["measured"]) == (True, 0.5)
    assert not worse["holds"]
