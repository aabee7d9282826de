"""Conversions between eps, x_0 and v are exact, and losses are weighted as the papers say."""

import pytest
import torch

from ddpm_clip.diffusion.parameterization import PARAMETERIZATIONS, WEIGHTINGS
from ddpm_clip.diffusion.schedules import SCHEDULES, with_zero_terminal_snr

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


def noised(dtype, alpha, sigma, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x_0 = torch.randn(8, 3, 4, 4, generator=generator, dtype=torch.float64).to(dtype)
    eps = torch.randn(8, 3, 4, 4, generator=generator, dtype=torch.float64).to(dtype)
    return x_0, eps, alpha * x_0 + sigma * eps


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", PARAMETERIZATIONS)
def test_reading_the_exact_target_gives_noise_and_picture_back(name, dtype):
    parameterization = PARAMETERIZATIONS[name]
    for sigma in (0.3, 0.6, 0.9):
        alpha = (1 - sigma**2) ** 0.5
        x_0, eps, x_t = noised(dtype, alpha, sigma)
        said = parameterization.target(x_0, eps, alpha, sigma)
        for read, true in zip(
            parameterization.read(said, x_t, alpha, sigma), (eps, x_0), strict=True
        ):
            assert (read - true).abs().max() < TOLERANCE[dtype]


@pytest.mark.parametrize("name", PARAMETERIZATIONS)
@pytest.mark.parametrize("other", PARAMETERIZATIONS)
def test_any_two_targets_convert_into_each_other_and_back(name, other):
    here, there = PARAMETERIZATIONS[name], PARAMETERIZATIONS[other]
    alpha, sigma = 0.8, 0.6
    said = torch.randn(4, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    _, _, x_t = noised(torch.float64, alpha, sigma)
    x_t = x_t[:4, :1]
    eps, x_0 = here.read(said, x_t, alpha, sigma)
    eps, x_0 = there.read(there.target(x_0, eps, alpha, sigma), x_t, alpha, sigma)
    assert torch.allclose(here.target(x_0, eps, alpha, sigma), said, atol=1e-10)


@pytest.mark.parametrize("name", PARAMETERIZATIONS)
def test_what_is_read_explains_x_t_whatever_the_network_says(name):
    alpha, sigma = 0.28, 0.96
    generator = torch.Generator().manual_seed(0)
    x_t, said = torch.randn(2, 4, 1, 3, 3, generator=generator, dtype=torch.float64)
    eps, x_0 = PARAMETERIZATIONS[name].read(said, x_t, alpha, sigma)
    assert torch.allclose(alpha * x_0 + sigma * eps, x_t, atol=1e-10)


def test_v_at_zero_snr_is_minus_the_picture():
    x_0, eps, x_t = noised(torch.float64, 0.0, 1.0)
    v = PARAMETERIZATIONS["v"]
    assert torch.equal(v.target(x_0, eps, 0.0, 1.0), -x_0)
    assert torch.equal(v.read(-x_0, x_t, 0.0, 1.0)[1], x_0)


@pytest.mark.parametrize("name", PARAMETERIZATIONS)
def test_x_0_error_says_how_an_error_of_the_target_moves_x_0(name):
    parameterization, alpha, sigma = PARAMETERIZATIONS[name], 0.8, 0.6
    x_0, eps, x_t = noised(torch.float64, alpha, sigma)
    wrong = parameterization.target(x_0, eps, alpha, sigma) + 0.1
    moved = (parameterization.read(wrong, x_t, alpha, sigma)[1] - x_0).square().mean().item()
    assert moved / 0.1**2 == pytest.approx(float(parameterization.x_0_error(alpha, sigma)))


FORMULAS = {
    ("min_snr", "eps"): lambda snr, s, d: snr.clamp(max=5) / snr,
    ("min_snr", "x_0"): lambda snr, s, d: snr.clamp(max=5),
    ("min_snr", "v"): lambda snr, s, d: snr.clamp(max=5) / (snr + 1),
    ("edm", "x_0"): lambda snr, s, d: (s**2 + d**2) / (s * d) ** 2,
    ("edm", "eps"): lambda snr, s, d: (s**2 + d**2) / d**2,
    ("edm", "v"): lambda snr, s, d: (s**2 + d**2) / d**2 / (1 + s**2),
    ("uniform", "eps"): lambda snr, s, d: torch.ones_like(s),
    ("uniform", "x_0"): lambda snr, s, d: torch.ones_like(s),
    ("uniform", "v"): lambda snr, s, d: torch.ones_like(s),
}


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("name", PARAMETERIZATIONS)
def test_the_weights_are_the_published_formulas(weighting, name):
    schedule = SCHEDULES["cosine"](300)
    alpha, sigma = schedule.alpha, schedule.sigma
    weight = WEIGHTINGS[weighting](PARAMETERIZATIONS[name], alpha, sigma, 0.4)
    exact = FORMULAS[weighting, name]((alpha / sigma) ** 2, sigma / alpha, 0.4)
    assert torch.allclose(weight, exact, rtol=1e-9)


def test_edm_weights_make_v_uniform_where_pictures_have_unit_spread():
    schedule = SCHEDULES["linear"](200)
    weight = WEIGHTINGS["edm"](PARAMETERIZATIONS["v"], schedule.alpha, schedule.sigma, 1.0)
    assert torch.allclose(weight, torch.ones(200).double())


def test_weights_are_finite_on_every_row_of_every_schedule():
    for make in SCHEDULES.values():
        schedule = make(1000)
        for weighting in WEIGHTINGS.values():
            for parameterization in PARAMETERIZATIONS.values():
                assert (
                    weighting(parameterization, schedule.alpha, schedule.sigma, 0.5)
                    .isfinite()
                    .all()
                )


@pytest.mark.parametrize("name", ["x_0", "v"])  # eps cannot be read from pure noise
def test_weights_are_finite_on_a_row_of_pure_noise(name):
    schedule = with_zero_terminal_snr(SCHEDULES["cosine"](100))
    for weighting in WEIGHTINGS.values():
        weight = weighting(PARAMETERIZATIONS[name], schedule.alpha, schedule.sigma, 0.5)
        assert weight.isfinite().all()
