"""Exact worlds, overlaps and bricks: what lessons 01, 03 and 09 rest on."""

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.course.bricks import CHOICES, Bricks, BrickUNet
from ddpm_clip.course.exact import Gaussian, IdealDenoiser, Mixture, exact_predict
from ddpm_clip.course.overlap import overlaps, phase_map, stamped
from ddpm_clip.diffusion.schedules import cosine
from ddpm_clip.errors import UsageError
from ddpm_clip.models.ddpm import DDPM


def pictures(n, seed=0):
    return torch.randn(n, 1, 3, 3, generator=torch.Generator().manual_seed(seed))


def test_the_ideal_denoiser_is_a_mixture_without_spread():
    known = pictures(5).double()
    x_t = 0.7 * known[:2] + 0.4 * pictures(2, 1).double()
    ideal = IdealDenoiser(known).x_0(x_t, 0.7, 0.4)
    mixture = Mixture(known, torch.full((5,), 0.2).double(), 0.0).x_0(x_t, 0.7, 0.4)
    assert torch.allclose(ideal, mixture, atol=1e-10)


def test_it_gives_the_mean_of_noise_and_a_copy_of_what_is_nearly_clean():
    known = pictures(6)
    ideal = IdealDenoiser(known)
    assert torch.allclose(
        ideal.x_0(pictures(1, 2), 1e-5, 1.0)[0], known.mean(0).double(), atol=1e-3
    )
    nearly = 0.999 * known[3:4] + 0.01 * pictures(1, 3)
    assert torch.allclose(ideal.x_0(nearly, 0.999, 0.01)[0], known[3].double(), atol=1e-6)


def test_sampling_from_it_copies():
    known, schedule = pictures(6).clamp(-1, 1), cosine(1000)
    ddpm = DDPM(schedule, parameterization="x_0")
    painted = ddpm.sample(IdealDenoiser(known, schedule), torch.zeros(8, 1), seeds=range(8))
    away = torch.cdist(painted.flatten(1), known.flatten(1)).amin(1)
    assert float(away.max()) < 1e-3


def test_the_gaussian_predicts_its_mean_from_noise():
    said = exact_predict(Gaussian(0.8, 0.25), cosine(1000))(torch.zeros(1, 1, 1, 1).double(), 999.0)
    assert float(said.x_0) == pytest.approx(0.8, abs=1e-3)


@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 2), (4, 2), (5, 3), (1, 2)])
def test_overlaps_are_those_of_the_layer(kernel, stride):
    made = F.conv_transpose1d(torch.ones(1, 1, 6), torch.ones(1, 1, kernel), stride=stride)
    assert overlaps(6, kernel, stride) == made.flatten().int().tolist()
    inner = stamped(8, kernel, stride)[2 * stride + kernel :][:stride, 2 * stride + kernel :]
    phases = torch.roll(phase_map(kernel, stride), [-(kernel % stride)] * 2, (0, 1))
    assert torch.equal(inner[:, :stride], phases)


def network(bricks=None, c_embed_dim=3, seed=0):
    torch.manual_seed(seed)
    return BrickUNet(bricks or Bricks(), 100, 2, 8, (8, 16, 16), c_embed_dim).eval()


def called(model, t=5.0, c=None, mask=None):
    c = torch.randn(2, 3, generator=torch.Generator().manual_seed(4)) if c is None else c
    mask = torch.ones(2, 1) if mask is None else mask
    x = torch.randn(2, 2, 8, 8, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        return model(x, torch.full((2,), t), c, mask)


SWITCHES = [(name, value) for name, values in CHOICES.items() for value in values]
SWITCHES += [
    (name, value) for name in ("residual", "skip", "global_skip") for value in (True, False)
]


@pytest.mark.parametrize(("name", "value"), SWITCHES)
def test_every_brick_makes_a_network_that_trains(name, value):
    model = network(Bricks(**{name: value})).train()
    x = torch.randn(2, 2, 8, 8)
    out = model(x, torch.tensor([1.0, 9.0]), torch.randn(2, 3), torch.tensor([[1.0], [0.0]]))
    assert out.shape == x.shape
    out.square().mean().backward()
    without = [n for n, p in model.named_parameters() if p.grad is None]
    assert without == []


@pytest.mark.slow
def test_switches_change_what_they_say():
    assert torch.equal(
        called(network(Bricks(time="none"))), called(network(Bricks(time="none")), t=90.0)
    )
    assert not torch.equal(called(network()), called(network(), t=90.0))
    drop = torch.zeros(2, 1)
    zero = network(Bricks(null="zero"))
    assert torch.equal(called(zero, mask=drop), called(zero, c=torch.zeros(2, 3)))
    learned = network(Bricks(null="learned"))
    assert not torch.equal(called(learned, mask=drop), called(learned, c=torch.zeros(2, 3)))
    other = called(learned, c=torch.ones(2, 3), mask=drop)
    assert torch.equal(called(learned, mask=drop), other), "a dropped condition does not matter"


def test_the_basic_network_has_none_of_the_ideas():
    basic = network(Bricks.basic())
    kinds = {type(module).__name__ for module in basic.modules()}
    assert {"BatchNorm2d", "ReLU", "MaxPool2d"} <= kinds
    assert kinds.isdisjoint({"GroupNorm", "PixelUnshuffle", "TimeEmbedding"})


def test_a_brick_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(UsageError, match="norm = 'layer'") as raised:
        Bricks(norm="layer")
    assert "group, batch" in raised.value.why
    with pytest.raises(UsageError, match="10 pixels"):
        BrickUNet(Bricks(), 100, 1, 10)
