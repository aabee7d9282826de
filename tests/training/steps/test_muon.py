"""Muon: orthogonal steps against the singular value decomposition, AdamW for the rest."""

import copy

import pytest
import torch
from torch import nn

from ddpm_clip.training.steps.muon import QUINTIC, Muon, orthogonal


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(2, 16, 64), (1, 64, 16), (3, 24, 24), (1, 1, 9)])
def test_singular_values_go_to_about_one_and_the_directions_stay(shape):
    x = random(*shape)
    found = torch.stack(orthogonal(list(x)))
    u, s, v = torch.linalg.svd(x, full_matrices=False)
    values = torch.linalg.svdvals(found)
    large = s > 0.1 * s[:, :1]
    assert values[large].min() > 0.5
    assert values.max() < 1.3
    inner = u.mT @ found @ v.mT  # diagonal, where the directions are the same
    off = inner - torch.diag_embed(inner.diagonal(dim1=-2, dim2=-1))
    assert off.abs().max() < 1e-3


def plain(x, steps=5):
    """Newton-Schulz as it is written in the paper."""
    a, b, c = QUINTIC
    x = x / x.norm()
    for _ in range(steps):
        A = x @ x.T
        x = a * x + (b * A + c * A @ A) @ x
    return x


def test_the_small_square_matrices_say_what_the_wide_ones_would():
    shapes = [(16, 80), (16, 24), (80, 16), (8, 8), (40, 8)]  # three sizes of squares, mixed
    matrices = [random(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    for x, found in zip(matrices, orthogonal(matrices), strict=True):
        wanted = plain(x.T).T if x.shape[0] > x.shape[1] else plain(x)
        assert torch.allclose(found, wanted, atol=1e-4)


def test_a_gradient_of_nothing_moves_nothing():
    assert orthogonal([torch.zeros(8, 16)])[0].abs().max() == 0


@pytest.mark.parametrize("shape", [(16, 144), (64, 64, 3, 3), (12, 4, 1, 1), (128, 8)])
def test_every_matrix_steps_equally_far(shape):
    p = nn.Parameter(random(*shape))
    before = p.detach().clone()
    optimizer = Muon([p], lr=0.01)
    p.grad = random(*shape, seed=1) * 1e-4  # the gradient's size does not matter
    optimizer.step()
    moved = (p.detach() - before).square().mean().sqrt().item()
    rows, columns = len(p), p[0].numel()
    full = 0.2 * 0.01 * (min(rows, columns) * max(rows, columns) / p.numel()) ** 0.5
    assert moved == pytest.approx(full, rel=0.25)


def test_what_is_no_matrix_takes_the_step_of_adamw():
    ours, theirs = nn.Parameter(random(7)), nn.Parameter(random(7))
    muon = Muon([ours], lr=0.01, weight_decay=0.1)
    adamw = torch.optim.AdamW([theirs], 0.01, (0.9, 0.99), weight_decay=0.1)
    for step in range(5):
        ours.grad = theirs.grad = random(7, seed=step)
        muon.step()
        adamw.step()
    assert torch.allclose(ours, theirs, atol=1e-7)


def test_weights_decay_apart_from_the_gradient():
    p = nn.Parameter(torch.ones(8, 8))
    p.grad = torch.zeros(8, 8)
    Muon([p], lr=0.1, weight_decay=0.5).step()
    assert torch.allclose(p, torch.full((8, 8), 0.95))


def test_directions_with_small_gradients_learn_at_the_pace_of_large_ones():
    """Least squares in coordinates whose gradients differ a hundredfold."""
    scales = torch.logspace(0, -2, 16)
    wanted = torch.eye(16)
    p = nn.Parameter(torch.zeros(16, 16))
    optimizer = Muon([p], lr=0.2)
    for _ in range(60):
        optimizer.zero_grad()
        ((p - wanted) * scales).square().sum().backward()
        optimizer.step()
    done = p.detach().diagonal()
    assert done.min() > 0.5  # gradient descent at the largest stable rate: 0.012 at the last


def test_the_state_survives_its_way_through_a_dict():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 2))
    other = copy.deepcopy(network)
    first, second = Muon(network.parameters()), Muon(other.parameters())

    def one(model, optimizer, seed):
        optimizer.zero_grad()
        model(random(4, 6, seed=seed)).square().mean().backward()
        optimizer.step()

    for seed in range(3):
        one(network, first, seed)
    other.load_state_dict(network.state_dict())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    one(network, first, 9)
    one(other, second, 9)
    assert all(
        torch.equal(a, b) for a, b in zip(network.parameters(), other.parameters(), strict=True)
    )
