"""Views: each picture its own, differentiable, and as different as they are told to be."""

import pytest
import torch

from ddpm_clip.diffusion.views import Views

STILL = {"shift": 0.0, "zoom": (1.0, 1.0), "turn": 0.0, "noise": 0.0}


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.fixture
def x():
    return torch.rand(3, 2, 9, 9, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_views_without_any_difference_are_the_picture(x):
    seen = Views(4, **STILL).of(x, generators(1, 2, 3))
    assert torch.allclose(seen, x.repeat_interleave(4, 0), atol=1e-5)


def test_a_picture_has_the_same_views_whatever_is_beside_it(x):
    together = Views().of(x, generators(1, 2, 3))
    alone = Views().of(x[1:2], generators(2))
    assert torch.equal(together[8:16], alone)
    assert not torch.allclose(alone[0], alone[1]), "and they differ among themselves"


def test_the_next_call_draws_the_next_views(x):
    drawing = generators(1, 2, 3)
    assert not torch.allclose(Views().of(x, drawing), Views().of(x, drawing))


def test_a_shift_moves_a_dot_no_further_than_it_may():
    dot = torch.full((1, 1, 21, 21), -1.0)
    dot[0, 0, 10, 10] = 1.0
    seen = Views(200, **STILL | {"shift": 0.1}).of(dot, generators(5))[:, 0] + 1  # (200, 21, 21)
    places = torch.arange(21.0)
    for axis in (1, 2):
        moved = (seen.sum(axis) * places).sum(1) / seen.sum((1, 2)) - 10
        assert moved.abs().max() <= 2.1 + 1e-3
        assert moved.max() > 1.5, "both ways"
        assert moved.min() < -1.5


def test_zoom_and_turn_keep_the_middle_and_their_bounds():
    disc = torch.full((1, 1, 33, 33), -1.0)
    y, x = torch.meshgrid(torch.arange(33) - 16, torch.arange(33) - 16, indexing="ij")
    disc[0, 0, (x**2 + y**2) <= 64] = 1.0
    views = Views(100, **STILL | {"zoom": (0.8, 1.25), "turn": 0.5})
    area = (views.of(disc, generators(1))[:, 0] > 0).sum((1, 2)) / (disc > 0).sum()
    assert 0.8**2 - 0.05 < area.min() < 0.75
    assert 1.35 < area.max() < 1.25**2 + 0.05


def test_what_lies_beyond_the_edge_is_what_is_on_it():
    bright = torch.ones(1, 1, 8, 8)
    assert torch.allclose(Views(16, shift=0.5, noise=0.0).of(bright, generators(0)), bright)


def test_noise_is_drawn_up_to_its_level():
    seen = Views(64, **STILL | {"noise": 0.2}).of(torch.zeros(1, 1, 20, 20), generators(0))
    level = seen.flatten(1).std(1)
    assert level.max() < 0.23
    assert level.min() < 0.05


def test_gradients_reach_every_pixel(x):
    x.requires_grad_()
    Views().of(x, generators(1, 2, 3)).square().sum().backward()
    assert (x.grad != 0).all()
