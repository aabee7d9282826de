"""Why the loss is what it is: the chain's memory, the posterior of a step, the bound, L_simple."""

import math

import pytest
import torch
from exact import Gaussian
from torch.distributions import Normal, kl_divergence

from ddpm_clip.diffusion.parameterization import PARAMETERIZATIONS
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.diffusion.schedules import SCHEDULES
from ddpm_clip.types import Prediction

STEPS = [(19.0, 18.0), (12.0, 11.0), (12.0, 4.0), (1.0, 0.0)]
SCHEDULE = SCHEDULES["cosine"](20)
WORLD = Gaussian(0.3, 0.6)


# The chain


def joint_covariance(spread: float, memory: float = 0.0) -> torch.Tensor:
    """The covariance of x_0 and all steps of the chain, from its recursion.

    With `memory`, the noise of a step also has a share of the noise of the step before.
    """
    betas = 1 - (SCHEDULE.alpha / torch.cat([torch.ones(1), SCHEDULE.alpha[:-1]])) ** 2
    rows = [torch.eye(len(betas) + 1, dtype=torch.float64)[0] * spread]  # in independent noises
    for k, beta in enumerate(betas.tolist(), start=1):
        fresh = torch.eye(len(betas) + 1, dtype=torch.float64)[k]
        if k > 1:
            before = torch.eye(len(betas) + 1, dtype=torch.float64)[k - 1]
            fresh = (1 - memory**2) ** 0.5 * fresh + memory * before
        rows.append((1 - beta) ** 0.5 * rows[-1] + beta**0.5 * fresh)
    steps = torch.stack(rows)
    return steps @ steps.T


def beyond_neighbours(covariance: torch.Tensor) -> float:
    """The largest partial correlation of two steps that are not neighbours."""
    precision = covariance.inverse()
    scale = precision.diag().rsqrt()
    partial = scale[:, None] * precision * scale
    return float(partial.triu(2).abs().max())


def test_given_the_step_before_the_earlier_ones_tell_nothing():
    """The inverse of a Gaussian chain's covariance is 0 but for three diagonals."""
    assert beyond_neighbours(joint_covariance(0.6)) < 1e-9
    assert beyond_neighbours(joint_covariance(0.6, memory=0.5)) > 0.1


def test_steps_of_the_chain_are_alike_as_the_closed_form_says():
    covariance = joint_covariance(WORLD.std)
    alpha = torch.cat([torch.ones(1, dtype=torch.float64), SCHEDULE.alpha])
    sigma = torch.cat([torch.zeros(1, dtype=torch.float64), SCHEDULE.sigma])
    variance = alpha**2 * WORLD.std**2 + sigma**2
    ratio = alpha[None, :] / alpha[:, None]  # from the earlier step to the later
    expected = (ratio * variance[:, None]).triu()
    assert torch.allclose(covariance.triu(), expected, atol=1e-10)


# The posterior of a step


def ancestral(x_t: float, x_0: float, t: float, s: float) -> Normal:
    """The step that the sampler `ddpm` takes where the picture is predicted to be x_0."""
    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)

    def predict(x: torch.Tensor, t: float) -> Prediction:
        alpha, sigma = SCHEDULE.at(t)
        return Prediction((x - alpha * x_0) / sigma, x_0 * one)

    ends = []
    for z in (0.0, 1.0):
        walk = SAMPLERS["ddpm"](
            predict, SCHEDULE, [t, s], x_t * one, lambda _, z=z: z * one, variance="posterior"
        )
        ends.append(next(iter(walk)).x_prev.item())
    return Normal(torch.tensor(ends[0]).double(), torch.tensor(ends[1] - ends[0]).double())


@pytest.mark.parametrize(("t", "s"), STEPS)
def test_the_step_is_the_posterior_by_bayes_rule_on_a_grid(t, s):
    (alpha_t, sigma_t), (alpha_s, sigma_s) = SCHEDULE.at(t), SCHEDULE.at(s)
    x_0, x_t, ratio = 0.4, alpha_t * 0.4 + 0.7 * sigma_t, alpha_t / alpha_s
    x_s = torch.linspace(-12, 12, 60_001, dtype=torch.float64)
    forward = Normal(ratio * x_s, (sigma_t**2 - (ratio * sigma_s) ** 2) ** 0.5)
    logits = forward.log_prob(torch.tensor(x_t)) + Normal(alpha_s * x_0, sigma_s).log_prob(x_s)
    weight = logits.softmax(0)
    mean = (weight * x_s).sum()
    spread = (weight * (x_s - mean) ** 2).sum().sqrt()
    step = ancestral(x_t, x_0, t, s)
    assert step.mean.item() == pytest.approx(mean.item(), abs=1e-6)
    assert step.stddev.item() == pytest.approx(spread.item(), rel=1e-4)


# The bound


@pytest.mark.parametrize(("t", "s"), STEPS)
def test_the_divergence_of_a_step_is_half_the_gain_in_snr_times_the_error(t, s):
    (alpha_t, sigma_t), (alpha_s, sigma_s) = SCHEDULE.at(t), SCHEDULE.at(s)
    x_0, guess, x_t = 0.4, 0.1, 0.25
    snr_t, snr_s = (alpha_t / sigma_t) ** 2, (alpha_s / sigma_s) ** 2
    divergence = kl_divergence(ancestral(x_t, x_0, t, s), ancestral(x_t, guess, t, s)).item()
    assert divergence == pytest.approx((snr_s - snr_t) / 2 * (x_0 - guess) ** 2, rel=1e-6)
    eps, eps_guess = ((x_t - alpha_t * x) / sigma_t for x in (x_0, guess))
    assert divergence == pytest.approx((snr_s / snr_t - 1) / 2 * (eps - eps_guess) ** 2, rel=1e-6)


@pytest.mark.parametrize(("t", "s"), [(t, s) for t, s in STEPS if t - s == 1])
def test_the_factor_of_the_noise_error_is_that_of_ho(t, s):
    """Ho et al. 2020, eq. 12, with the variance of the posterior."""
    (alpha_t, sigma_t), (alpha_s, sigma_s) = SCHEDULE.at(t), SCHEDULE.at(s)
    beta = 1 - (alpha_t / alpha_s) ** 2
    variance = beta * sigma_s**2 / sigma_t**2
    ours = ((alpha_s / sigma_s) ** 2 / (alpha_t / sigma_t) ** 2 - 1) / 2
    assert ours == pytest.approx(beta**2 / (2 * variance * (1 - beta) * sigma_t**2), rel=1e-9)


def bound(steps: int, inflated: float = 1.0) -> float:
    """The bound on the mean of -log p(x_0), in nats, for the Gaussian world and a walk.

    Its denoiser is the perfect one; `inflated` multiplies its squared error.
    """
    schedule, w2 = SCHEDULES["cosine"](1000), WORLD.std**2
    timesteps = torch.tensor(schedule.walk(steps)).flip(0)  # from clean to noisy
    alpha2, sigma2 = (level**2 for level in schedule.at(timesteps))
    error = inflated * w2 * sigma2 / (alpha2 * w2 + sigma2)  # E (x_0 - E[x_0 | x_t])^2
    snr = alpha2 / sigma2
    between = ((snr[:-1] - snr[1:]) / 2 * error[1:]).sum().item()
    start = alpha2[-1] * (w2 + WORLD.mean**2) + sigma2[-1] - 1 - sigma2[-1].log()
    picture = 0.5 * math.log(2 * math.pi * math.e * error[0].item())
    return start.item() / 2 + between + picture


def test_the_bound_holds_and_closes_as_the_steps_get_finer():
    truth = 0.5 * math.log(2 * math.pi * math.e * WORLD.std**2)  # the mean of -log p(x_0)
    above = [bound(steps) - truth for steps in (10, 100, 1000)]
    assert above[0] > 5 * above[1] > 25 * above[2] > 0
    assert above[2] < 0.1
    assert bound(1000, inflated=1.1) - truth > 4 * above[2]  # a worse denoiser, a worse bound


def test_l_simple_is_the_plain_squared_error_of_the_noise():
    """Uniform weights and eps leave out the factor that the bound would give each timestep."""
    alpha, sigma, eps, guess = 0.8, 0.6, torch.tensor(0.5), torch.tensor(0.2)
    x_0 = torch.tensor(0.4)
    target = PARAMETERIZATIONS["eps"].target(x_0, eps, alpha, sigma)
    assert target is eps
    x_t = alpha * x_0 + sigma * eps
    _, x_0_guess = PARAMETERIZATIONS["eps"].read(guess, x_t, alpha, sigma)
    assert ((alpha / sigma) ** 2 * (x_0 - x_0_guess) ** 2).item() == pytest.approx(
        ((target - guess) ** 2).item(), rel=1e-5
    )
