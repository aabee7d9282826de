"""The maths of few-call networks, against the exact flow of a Gaussian."""

import pytest
import torch
from exact import Gaussian, end_of, seeded_noise

from ddpm_clip.diffusion.jumps import few_call_timesteps, jump_target, lower_level, pseudo_huber
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.diffusion.schedules import CLEAN, SCHEDULES
from ddpm_clip.errors import UsageError
from ddpm_clip.types import Prediction

COSINE = SCHEDULES["cosine"](1000)
GAUSSIAN = Gaussian(0.5, 0.3)
LEVELS = (80.0, 2.0, 0.3)


def knows_the_jumps(x_t, t, timesteps):
    """What a perfect student says at t: the x_0 whose DDIM step lands on the path at the next t."""
    s = [*timesteps, CLEAN][timesteps.index(t) + 1]
    alpha, sigma = COSINE.at(t)
    x_0 = jump_target(x_t, GAUSSIAN.ode_map(COSINE, x_t, t, s), alpha, sigma, *COSINE.at(s))
    return Prediction((x_t - alpha * x_0) / sigma, x_0)


def test_ddim_steps_with_the_targets_of_jumps_follow_the_exact_flow():
    timesteps, x = few_call_timesteps(COSINE, LEVELS), seeded_noise((500, 1, 1, 2))(-1)
    walk = SAMPLERS["ddim"](
        lambda x_t, t: knows_the_jumps(x_t, t, timesteps), COSINE, timesteps, x, None
    )
    exact = GAUSSIAN.ode_map(COSINE, x, timesteps[0], CLEAN)
    assert (end_of(walk) - exact).abs().max() < 1e-9


def test_the_target_of_a_jump_to_the_clean_picture_is_the_picture():
    x_t, x_0 = torch.randn(2, 3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(jump_target(x_t, x_0, 0.6, 0.8, 1.0, 0.0), x_0)


def test_the_consistency_sampler_recovers_the_gaussian_from_its_exact_ends():
    noise, timesteps = seeded_noise((20_000, 1, 1, 1)), few_call_timesteps(COSINE, LEVELS)

    def ends(x_t, t):
        alpha, sigma = COSINE.at(t)
        x_0 = GAUSSIAN.ode_map(COSINE, x_t, t, CLEAN)
        return Prediction((x_t - alpha * x_0) / sigma, x_0)

    steps = list(SAMPLERS["consistency"](ends, COSINE, timesteps, noise(-1), noise))
    end = steps[-1].x_prev
    assert [step.t for step in steps] == timesteps
    assert end.mean().item() == pytest.approx(0.5, abs=0.01)
    assert end.std().item() == pytest.approx(0.3, abs=0.01)
    both = torch.stack([steps[0].x_t.flatten(), end.flatten()])
    assert abs(both.corrcoef()[0, 1].item()) < 0.3, "fresh noise between the calls"


def test_a_few_call_network_is_asked_at_its_own_levels_and_no_others():
    timesteps = few_call_timesteps(COSINE, LEVELS, 3)
    alpha, sigma = COSINE.at(torch.tensor(timesteps))
    assert (sigma / alpha).tolist() == pytest.approx(LEVELS, rel=1e-5)
    with pytest.raises(UsageError, match="steps = 20"):
        few_call_timesteps(COSINE, LEVELS, 20)


def test_the_pseudo_huber_distance_is_a_square_near_0_and_a_distance_far_away():
    one = torch.ones(1, 1, 2, 2)
    assert pseudo_huber(1e-3 * one, 0.1).item() == pytest.approx(1e-6 / 0.2, rel=1e-3)
    assert pseudo_huber(100 * one, 0.1).item() == pytest.approx(100, rel=2e-3)
    assert pseudo_huber(torch.stack([one[0], 3 * one[0]]), 0.0).tolist() == pytest.approx([1, 3])


def test_the_lower_level_rises_from_the_picture_to_just_below():
    level = torch.tensor([0.05, 1.0, 80.0], dtype=torch.float64)
    begin, end = lower_level(level, 0.0), lower_level(level, 1.0)
    assert begin[:2].tolist() == [0, 0], "the training of a denoiser"
    assert begin[2].item() == pytest.approx(40.0)
    assert ((end > 0.9 * level) & (end < level)).all()
    middle = lower_level(level, 0.5)
    assert (begin <= middle).all()
    assert (middle <= end).all()
