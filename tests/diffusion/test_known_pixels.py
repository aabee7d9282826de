"""Inpainting by imposed x_0: known pixels stay to the bit, on the true path of their noise."""

import math

import pytest
import torch
from exact import Mixture, end_of, predict, seeded_noise

from ddpm_clip.diffusion.gradient_guidance import GradientGuidance, resampled
from ddpm_clip.diffusion.known_pixels import with_known_pixels
from ddpm_clip.diffusion.samplers import OF_DISTILLED, SAMPLERS
from ddpm_clip.diffusion.schedules import SCHEDULES
from ddpm_clip.types import Prediction

SCHEDULE = SCHEDULES["cosine"](1000)
PAIR = Mixture(
    torch.tensor([[[[0.7, 0.7]]], [[[-0.7, -0.7]]]]).double(),
    torch.tensor([0.5, 0.5]).double(),
    0.1,
)
"""Two pixels that always agree in sign."""
KNOWN = torch.tensor([[[0.7, 0.0]]]).double()  # (1, 1, 2)
SECOND = torch.tensor([[[False, True]]])


def walk(name, n=2000, paint=SECOND, steps=30, wrapped=True, rounds=1, **options):
    noise = seeded_noise((n, 1, 1, 2))
    inner = predict(PAIR, SCHEDULE)
    ask = with_known_pixels(KNOWN, paint, SCHEDULE)(inner) if wrapped else inner
    walker = resampled(SAMPLERS[name], GradientGuidance(1.0, (0.0, math.inf), rounds - 1))
    return walker(ask, SCHEDULE, SCHEDULE.walk(steps), noise(-1), noise, **options)


@pytest.mark.parametrize("name", SAMPLERS)
def test_known_pixels_come_out_as_they_are(name):
    end = end_of(walk(name))
    torch.testing.assert_close(end[..., 0], torch.full_like(end[..., 0], 0.7), rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SAMPLERS if name not in OF_DISTILLED])
def test_the_more_rounds_the_truer_is_what_is_painted(name):
    """Given the first pixel, the second is N(0.7, 0.1^2): one walk hears of it too late."""
    fits, means, spreads = [], [], []
    for rounds in (1, 2, 5):
        painted = end_of(walk(name, rounds=rounds))[..., 1]
        right = painted > 0
        fits.append(right.double().mean().item())
        means.append(painted[right].mean().item())
        spreads.append(painted[right].std().item())
    assert fits[0] < 0.96 < fits[2]
    assert fits == sorted(fits)
    assert fits[2] > 0.995
    assert means[2] == pytest.approx(0.7, abs=0.01)
    assert spreads[2] == pytest.approx(0.1, abs=0.02)
    assert abs(spreads[0] - 0.1) > abs(spreads[2] - 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLERS)
def test_known_pixels_outlast_every_round(name):
    end = end_of(walk(name, 16, rounds=4))
    torch.testing.assert_close(end[..., 0], torch.full_like(end[..., 0], 0.7), rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLERS)
def test_on_the_way_a_known_pixel_is_noised_as_its_row_says(name):
    options = {"variance": "posterior"} if name == "ddpm" else {}  # the other is too wide
    for step in walk(name, 8000, **options):
        alpha, sigma = SCHEDULE.at(step.t)
        if sigma < 0.999:  # where walks begin, plain sampling starts from pure noise as well
            known = step.x_t[..., 0]
            assert known.mean().item() == pytest.approx(alpha * 0.7, abs=4 * sigma / 8000**0.5)
            assert known.std().item() == pytest.approx(sigma, rel=0.04)


@pytest.mark.parametrize("name", SAMPLERS)
def test_where_everything_is_painted_nothing_changes_to_the_bit(name):
    everywhere = torch.ones(1, 1, 2, dtype=torch.bool)
    plain = end_of(walk(name, 16, wrapped=False))
    assert torch.equal(end_of(walk(name, 16, everywhere)), plain)


def test_noise_and_picture_still_make_up_x_t_and_the_branches_pass():
    x_t = torch.randn(3, 1, 1, 2, generator=torch.Generator().manual_seed(0)).double()
    alpha, sigma = SCHEDULE.at(400.0)
    eps, x_0 = torch.zeros_like(x_t), x_t / alpha
    inner = Prediction(eps, x_0, x_0 + 1, x_0 + 2)
    pred = with_known_pixels(KNOWN, SECOND, SCHEDULE)(lambda x, t: inner)(x_t, 400.0)
    torch.testing.assert_close(alpha * pred.x_0 + sigma * pred.eps, x_t)
    assert pred.x_0_cond is inner.x_0_cond
    assert pred.x_0_uncond is inner.x_0_uncond
