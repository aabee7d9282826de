"""Frequencies: waves are found where they are, white noise is flat, and trades are exact."""

import math

import pytest
import torch

from ddpm_clip.explain.maths.spectrum import centroid, crossed, radial_spectrum, radii


def white(n, side=16, seed=0):
    return torch.randn(n, 1, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("waves", [1, 3, 7])
def test_a_wave_has_all_its_power_at_its_frequency(waves):
    along = (2 * math.pi * waves * torch.arange(16) / 16).cos()
    spectrum = radial_spectrum(along.expand(1, 1, 16, 16))[0]
    assert spectrum.argmax() == waves
    assert spectrum.sum() == pytest.approx(spectrum[waves].item())
    assert centroid(spectrum[None]).item() == pytest.approx(waves)


def test_white_noise_has_power_one_at_every_frequency():
    spectrum = radial_spectrum(white(4000)).mean(0)
    assert spectrum.shape == (9,)
    assert (spectrum - 1).abs().max() < 0.1


def test_power_is_that_of_the_pixels():
    x = white(3, side=8)
    x = x - x.mean((2, 3), keepdim=True)
    whole = torch.fft.fft2(x.double(), norm="ortho").abs().square()
    inside = radii(8, 8).round() <= 4
    held = (whole * inside).sum((1, 2, 3))
    cells = torch.bincount(radii(8, 8).round().long().flatten())[:5]
    assert torch.allclose((radial_spectrum(x) * cells).sum(1), held)


@pytest.mark.parametrize("turned", [False, True])
def test_a_wave_of_one_length_has_one_frequency_along_both_sides(turned):
    along = (2 * math.pi * 3 * torch.arange(24) / 12).cos()  # three waves in 12 pixels
    x = along.expand(1, 1, 12, 24) if not turned else along[:12, None].expand(1, 1, 12, 24)
    assert radial_spectrum(x)[0].argmax() == 3


def test_a_trade_of_nothing_or_everything_gives_back_one_of_the_two():
    a, b = white(2), white(2, seed=1)
    assert torch.allclose(crossed(a, b, -1), b, atol=1e-6)
    assert torch.allclose(crossed(a, b, 99), a, atol=1e-6)


@pytest.mark.slow
def test_a_trade_takes_each_frequency_from_its_owner_and_stays_white():
    a, b = white(3000), white(3000, seed=1)
    mixed = crossed(a, b, 4.5)
    low, high = crossed(mixed, 0 * mixed, 4.5), crossed(0 * mixed, mixed, 4.5)
    assert torch.allclose(low, crossed(a, 0 * a, 4.5), atol=1e-5)
    assert torch.allclose(high, crossed(0 * b, b, 4.5), atol=1e-5)
    assert (radial_spectrum(mixed).mean(0) - 1).abs().max() < 0.1
    assert abs(mixed.std().item() - 1) < 0.01
