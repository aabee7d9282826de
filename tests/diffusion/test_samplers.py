"""Contract of every sampler: it draws from a distribution whose perfect denoiser is known."""

import itertools
import math

import pytest
import torch
from exact import FOUR_MODES, Gaussian, end_of, predict, seeded_noise

from ddpm_clip.diffusion.parameterization import PARAMETERIZATIONS
from ddpm_clip.diffusion.samplers import OF_DISTILLED, SAMPLERS
from ddpm_clip.diffusion.schedules import SCHEDULES, with_zero_terminal_snr
from ddpm_clip.errors import UsageError
from ddpm_clip.types import Prediction

COSINE = SCHEDULES["cosine"](1000)
SPREAD_ERROR = {"ddpm": 0.1}  # with the wide variance 50 rungs leave each mode a little too wide
DETERMINISTIC = ("ddim", "dpmpp_2m", "heun")
OF_DENOISERS = [name for name in SAMPLERS if name not in OF_DISTILLED]
"""The other asks for the ends of paths; `test_jumps.py` gives it exact ones."""


def walk(name, distribution, n, steps, schedule=COSINE, shape=(1, 1, 2), **options):
    noise = seeded_noise((n, *shape))
    rows = schedule.walk(steps)
    return SAMPLERS[name](
        predict(distribution, schedule), schedule, rows, noise(-1), noise, **options
    )


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", OF_DENOISERS)
def test_a_gaussian_is_recovered_from_its_exact_denoiser(name, schedule):
    table = with_zero_terminal_snr(SCHEDULES[schedule](1000))
    end = end_of(walk(name, Gaussian(0.5, 0.3), 20_000, 50, table, (1, 1, 1)))
    assert end.mean().item() == pytest.approx(0.5, abs=0.02)
    assert end.std().item() == pytest.approx(0.3, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_DENOISERS)
def test_four_modes_are_recovered_with_their_weights_and_width(name):
    end = end_of(walk(name, FOUR_MODES, 20_000, 50))
    modes = FOUR_MODES.nearest(end)
    share = torch.bincount(modes, minlength=4) / len(end)
    spread = (end - FOUR_MODES.means[modes]).std().item() / FOUR_MODES.std
    assert (share - FOUR_MODES.weights).abs().sum().item() / 2 < 0.01
    assert spread == pytest.approx(1.0, abs=SPREAD_ERROR.get(name, 0.05))
    truth = [FOUR_MODES.draw(20_000, torch.Generator().manual_seed(seed)) for seed in (1, 2)]
    assert sliced_distance(end, truth[0]) < 2 * max(0.015, sliced_distance(*truth))


def sliced_distance(a, b):
    """Mean transport distance over 32 directions of the plane."""
    angle = torch.arange(32, dtype=torch.float64) * torch.pi / 32
    lines = torch.stack([angle.cos(), angle.sin()])
    return (sorted_along(a, lines) - sorted_along(b, lines)).abs().mean().item()


def sorted_along(x, lines):
    return (x.flatten(1) @ lines).sort(0).values


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("ddim", 1.8), ("dpmpp_2m", 3.2), ("heun", 3.2)])
def test_the_endpoint_error_falls_by_the_solver_order_per_doubling(name, least):
    exact = end_of(walk("dpmpp_2m", FOUR_MODES, 256, 1000))
    errors = [
        (end_of(walk(name, FOUR_MODES, 256, n)) - exact).flatten(1).norm(dim=1).median().item()
        for n in (8, 16, 32, 64)
    ]
    ratios = [coarse / fine for coarse, fine in itertools.pairwise(errors)]
    assert min(ratios) >= least, (errors, ratios)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "error"), [("ddim", 5e-3), ("dpmpp_2m", 2e-5), ("heun", 4e-5)])
def test_a_fine_walk_follows_the_exact_flow_of_a_gaussian(name, error):
    gaussian = Gaussian(0.5, 0.3)
    steps = list(walk(name, gaussian, 50, 1000, shape=(1, 1, 1)))
    exact = gaussian.ode_map(COSINE, steps[0].x_t, steps[0].t, steps[-1].t)
    assert (steps[-1].x_t - exact).abs().max() < error


def test_dpmpp_extrapolates_to_the_middle_of_each_step_however_wide_it_is():
    """An x_0 that is linear in log(alpha/sigma) is met exactly from the second step on."""

    def half_log_snr(t):
        alpha, sigma = COSINE.at(t)
        return math.log(alpha / sigma)

    def linear(x_t, t):
        return Prediction(x_t, torch.full_like(x_t, 0.3 + 0.2 * half_log_snr(t)))

    timesteps = [900.0, 850.0, 500.0, 480.0, 100.0]  # narrow and wide by turns
    noise = seeded_noise((1, 1, 1, 1))
    steps = list(SAMPLERS["dpmpp_2m"](linear, COSINE, timesteps, noise(-1), noise))
    for here, there in itertools.pairwise(steps[1:]):
        (_, sigma_t), (alpha_s, sigma_s) = COSINE.at(here.t), COSINE.at(there.t)
        h = half_log_snr(there.t) - half_log_snr(here.t)
        middle = 0.3 + 0.2 * (half_log_snr(here.t) + h / 2)
        exact = sigma_s / sigma_t * here.x_t - alpha_s * math.expm1(-h) * middle
        assert (here.x_prev - exact).abs().max() < 1e-12


def test_every_ddim_rung_is_the_closed_form_of_a_gaussian():
    gaussian = Gaussian(0.5, 0.3)
    steps = list(walk("ddim", gaussian, 20, 12, shape=(1, 1, 1)))
    x = steps[0].x_t
    for here, there in itertools.pairwise(steps):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = COSINE.at(here.t), COSINE.at(there.t)
        gain = (alpha_s * alpha_t * 0.3**2 + sigma_s * sigma_t) / gaussian.spread(
            alpha_t, sigma_t
        ) ** 2
        x = alpha_s * 0.5 + (x - alpha_t * 0.5) * gain
        assert (here.x_prev - x).abs().max() < 1e-6


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_walk_yields_one_chained_step_a_row(name):
    rows = COSINE.walk(7)
    steps = list(walk(name, FOUR_MODES, 3, 7))
    assert [step.i for step in steps] == list(range(7))
    assert [step.t for step in steps] == rows
    for here, there in itertools.pairwise(steps):
        assert torch.equal(here.x_prev, there.x_t)
    assert torch.equal(steps[-1].x_prev, steps[-1].pred.x_0), (
        "the last rung ends on the clean picture"
    )


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2])
def test_the_shortest_walks_are_finite(name, steps):
    assert end_of(walk(name, FOUR_MODES, 5, steps)).isfinite().all()


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLERS)
def test_no_walk_of_any_length_meets_a_nan(name):
    for steps in (3, 10, 50, 333):
        for schedule in SCHEDULES.values():
            assert end_of(walk(name, FOUR_MODES, 4, steps, schedule(400))).isfinite().all()


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_noise_gives_the_same_pictures(name):
    first, again = (end_of(walk(name, FOUR_MODES, 6, 10)) for _ in range(2))
    assert torch.equal(first, again)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_deterministic_samplers_never_ask_for_noise(name):
    def no_noise(i):
        raise AssertionError(f"{name} asked for noise at rung {i}")

    x = seeded_noise((4, 1, 1, 2))(-1)
    rows = COSINE.walk(10)
    assert (
        end_of(SAMPLERS[name](predict(FOUR_MODES, COSINE), COSINE, rows, x, no_noise))
        .isfinite()
        .all()
    )


@pytest.mark.slow
def test_ddim_with_eta_1_is_ancestral_sampling_with_posterior_variance():
    for steps in (10, 400):
        ancestral = list(walk("ddpm", FOUR_MODES, 50, steps, variance="posterior"))
        implicit = list(walk("ddim", FOUR_MODES, 50, steps, eta=1.0))
        for one, other in zip(ancestral, implicit, strict=True):
            assert torch.allclose(one.x_prev, other.x_prev, atol=1e-8)


@pytest.mark.slow
def test_the_two_ancestral_variances_bracket_the_true_width():
    widths = {}
    for variance in ("beta", "posterior"):
        end = end_of(walk("ddpm", FOUR_MODES, 5000, 50, variance=variance))
        widths[variance] = (end - FOUR_MODES.means[FOUR_MODES.nearest(end)]).std().item()
    assert widths["posterior"] < FOUR_MODES.std < widths["beta"]


def test_an_unknown_variance_is_refused():
    with pytest.raises(UsageError, match="unknown variance 'wide'"):
        end_of(walk("ddpm", FOUR_MODES, 1, 5, variance="wide"))


@pytest.mark.slow
def test_churn_draws_noise_and_still_finds_the_modes():
    plain, churned = (
        end_of(walk("heun", FOUR_MODES, 4000, 40, churn=churn)) for churn in (0.0, 10.0)
    )
    assert not torch.equal(plain, churned)
    share = torch.bincount(FOUR_MODES.nearest(churned), minlength=4) / 4000
    assert (share - FOUR_MODES.weights).abs().max() < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("variance", ["beta", "posterior"])
@pytest.mark.parametrize("T", [50, 1000])
def test_the_oracle_noise_recovers_the_picture_after_the_full_chain(variance, T):
    schedule = SCHEDULES["linear"](T)
    generator = torch.Generator().manual_seed(0)
    x_0 = torch.rand(4, 1, 4, 4, generator=generator, dtype=torch.float64) * 2 - 1

    def oracle(x_t, t):
        alpha, sigma = schedule.at(t)
        eps = (x_t - alpha * x_0) / sigma
        return Prediction(*PARAMETERIZATIONS["eps"].read(eps, x_t, alpha, sigma))

    noise = seeded_noise(x_0.shape)
    rows = schedule.walk(T, spacing="timesteps")
    end = end_of(SAMPLERS["ddpm"](oracle, schedule, rows, noise(-1), noise, variance=variance))
    assert (end - x_0).abs().max() < 1e-4
