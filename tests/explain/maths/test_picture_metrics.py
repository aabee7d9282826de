import math

import pytest
import torch

from ddpm_clip.explain.maths import picture_metrics as of

AT = torch.arange(16.0)
RAMP = (0.1 * AT).expand(1, 1, 16, 16)


def test_a_ramp_has_its_slope_as_edges_and_is_not_sharp():
    assert of.edges(RAMP).item() == pytest.approx(0.1)
    assert of.edges(RAMP.transpose(2, 3)).item() == pytest.approx(0.1)
    assert of.sharpness(RAMP).item() == pytest.approx(0, abs=1e-10)


def test_a_slanted_ramp_has_the_length_of_its_gradient():
    slanted = (0.03 * AT[:, None] + 0.04 * AT).view(1, 1, 16, 16)
    assert of.edges(slanted).item() == pytest.approx(0.05, rel=1e-5)


def test_white_noise_is_as_sharp_as_its_laplacian_is_wide():
    noise = torch.randn(64, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert of.sharpness(noise).mean().item() == pytest.approx(16 + 4, rel=0.03)
    assert of.sharpness(3 * noise).mean().item() == pytest.approx(9 * 20, rel=0.03)


def test_a_checkerboard_has_the_known_sharpness_and_contrast():
    board = (1 - 2 * ((AT[:, None] + AT) % 2)).view(1, 1, 16, 16)
    assert of.sharpness(board).item() == pytest.approx(64)
    assert of.contrast(board).item() == pytest.approx(1)


def test_blurring_makes_less_sharp():
    noise = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    blurred = torch.nn.functional.avg_pool2d(noise, 3, 1, 1)
    assert bool((of.sharpness(blurred) < of.sharpness(noise)).all())
    assert bool((of.edges(blurred) < of.edges(noise)).all())


def test_colour_is_that_of_the_formula():
    grey = torch.rand(1, 1, 8, 8).expand(1, 3, 8, 8)
    assert of.colourfulness(grey).item() == pytest.approx(0, abs=1e-4)
    assert of.colourfulness(grey[:, :1]).item() == 0
    red = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    # rg = 255, yb = 127.5 everywhere: no spread, and 0.3 of the mean's length
    assert of.colourfulness(red).item() == pytest.approx(0.3 * math.hypot(255, 127.5), rel=1e-5)
    half = red.clone()
    half[..., 4:] = -1  # half red, half black: rg is 0 or 255, yb 0 or 127.5
    spread = math.hypot(127.5, 63.75)
    assert of.colourfulness(half).item() == pytest.approx(1.3 * spread, rel=1e-5)


def test_brightness_weighs_green_most():
    red, green, blue = torch.eye(3).view(3, 3, 1, 1)
    assert of.grey(green[None]) > of.grey(red[None]) > of.grey(blue[None])
    assert of.grey(torch.ones(1, 3, 2, 2)).mean().item() == pytest.approx(1)


def test_psnr_is_that_of_a_known_error():
    x = torch.zeros(1, 3, 8, 8)
    assert of.psnr(x, x + 0.2).item() == pytest.approx(20, abs=1e-4)
    assert of.psnr(x, x).item() == pytest.approx(100)


def test_entropy_runs_from_sure_to_ignorant():
    assert of.entropy(torch.tensor([[1.0, 0, 0, 0], [0.25] * 4])).tolist() == pytest.approx([0, 2])
