"""A network that is told the guidance scale starts as the one it wraps, and learns to listen."""

import pytest
import torch

from ddpm_clip.models import DDPM, DENOISERS
from ddpm_clip.models.scale_conditioned import ScaleConditioned, at_scale

B = 3


def wrapped(arch="unet"):
    torch.manual_seed(0)
    network = DENOISERS[arch](50, 1, 8, (8, 16, 16) if "course" in arch else (8, 16), 8, 4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return ScaleConditioned(network)


def asked():
    generator = torch.Generator().manual_seed(1)
    x, c = torch.randn(B, 1, 8, 8, generator=generator), torch.randn(B, 4, generator=generator)
    return x, torch.tensor([3.0, 20.0, 49.0]), c, torch.ones(B, 1)


@pytest.mark.parametrize("arch", ["unet", "course_unet"])
def test_it_starts_as_the_network_that_it_wraps_at_every_scale(arch):
    model, given = wrapped(arch), asked()
    plain = model.network(*given)
    for scale in (0.5, 1.0, 4.0):
        assert torch.equal(model(*given, torch.full((B,), scale)), plain)
    assert torch.equal(model(*given), plain)


def test_scale_0_ignores_the_condition():
    model, (x, t, c, mask) = wrapped(), asked()
    masked = model.network(x, t, c, 0 * mask)
    mixed = model(x, t, c, mask, torch.tensor([0.0, 2.0, 0.0]))
    assert torch.equal(mixed[[0, 2]], masked[[0, 2]])
    assert not torch.equal(mixed[1], masked[1])


def test_after_an_update_each_picture_follows_its_own_scale():
    model, given = wrapped(), asked()
    model(*given, torch.tensor([1.0, 2.0, 3.0])).square().mean().backward()
    gradient = model.scale.mlp[-1].weight.grad
    assert gradient.abs().max() > 0, "the last layer starts at 0, but learns"
    with torch.no_grad():
        model.scale.mlp[-1].weight.add_(torch.randn(gradient.shape))
    at = {s: model(*given, torch.full((B,), s)) for s in (1.0, 2.0, 3.0)}
    mixed = model(*given, torch.tensor([1.0, 2.0, 3.0]))
    for i, s in enumerate((1.0, 2.0, 3.0)):
        assert torch.allclose(mixed[i], at[s][i], atol=1e-6)
        assert not torch.allclose(mixed[i], at[1.0 if s > 1 else 2.0][i], atol=1e-4)


def test_a_walk_calls_it_once_a_step_with_the_scale_of_each_picture():
    model, calls = wrapped(), []
    model.register_forward_hook(lambda _, given, out: calls.append(given), with_kwargs=False)
    ddpm = DDPM(torch.linspace(1e-4, 0.2, 50), parameterization="v", calls=(5.0, 1.0))
    scale = torch.tensor([1.0, 2.0, 0.0])
    ddpm.sample(model, torch.zeros(B, 4), scale=scale, sampler="ddim", steps=2, seeds=[0, 1, 2])
    assert [len(given[0]) for given in calls] == [B, B], "one branch, not two"
    assert all(torch.equal(given[4], scale) for given in calls)


def test_other_networks_keep_guidance_outside():
    model = wrapped().network
    assert at_scale(model, 3.0) == (model, 3.0)
