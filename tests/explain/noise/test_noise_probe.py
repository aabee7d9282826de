"""The probe finds what is linear in the noise, and nothing where labels are drawn by lot."""

import pytest
import torch

from ddpm_clip.explain.noise.noise_probe import coarse, probe


def noise(n, seed=0, side=14):
    return torch.randn(n, 1, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.slow
def test_a_class_that_is_the_sign_of_a_coarse_pattern_is_predicted():
    x = noise(300)
    labels = (x[:, :, :7].mean((1, 2, 3)) > x[:, :, 7:].mean((1, 2, 3))).long()
    found = probe(x, torch.eye(2)[labels])
    assert found.r2 > 0.5
    assert found.hits / 300 > 0.85
    assert found.p == 1 / 40
    assert 0.35 < found.chance_hits / 300 < 0.6


@pytest.mark.slow
def test_what_is_drawn_by_lot_is_significant_as_often_as_said():
    generator, called = torch.Generator().manual_seed(12345), 0
    for seed in range(100):
        x = torch.randn(40, 1, 4, 4, generator=generator)
        lots = torch.rand(40, 4, generator=generator)
        called += probe(x, lots, draws=9, seed=seed).p <= 0.1
    assert called <= 19  # 10 expected, three standard deviations are 9


def test_where_nothing_varies_nothing_is_predicted():
    found = probe(noise(30), torch.ones(30, 3) / 3, draws=3)
    assert (found.r2, found.hits, found.p) == (0, 0, 1)


def test_white_noise_is_white_in_cells_and_few_pixels_are_kept_as_they_are():
    assert abs(coarse(noise(500)).std().item() - 1) < 0.01
    assert coarse(noise(5, side=4)).shape == (5, 16)
