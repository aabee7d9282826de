"""The held-out loss: fixed draws, and what it is with the condition and without it."""

import pytest
import torch
from exact import ExactDenoiser, Gaussian, Mixture

from ddpm_clip.build import build_ddpm
from ddpm_clip.diffusion.schedules import SCHEDULES
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.training.steps.validation import BINS, HeldOut, by_noise, errors
from tests.training.test_loop import config, prepared


@pytest.fixture(scope="module")
def ddpm() -> DDPM:
    return build_ddpm(config().diffusion, "cpu")


@pytest.fixture(scope="module")
def heldout() -> HeldOut:
    data = prepared(n=24)
    return HeldOut(data.pixels, data.embeddings, data.conditioner)


def helped(x_t, t, c, c_mask):
    """A network that is far off where it is shown no condition."""
    return 3.0 * (1 - c_mask).view(-1, 1, 1, 1).expand_as(x_t)


def test_without_the_condition_the_network_is_shown_none(ddpm, heldout):
    seen = []

    def watched(x_t, t, c, c_mask):
        seen.append(c_mask.clone())
        return 0 * x_t

    for shown in (True, False):
        errors(watched, ddpm, heldout, shown=shown)
    assert [mask.unique().tolist() for mask in seen] == [[1.0], [0.0]]
    assert [len(mask) for mask in seen] == [24, 24]


def test_two_measurements_differ_by_the_network_alone(ddpm, heldout):
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(errors(helped, ddpm, heldout))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_pictures_are_measured_alike_in_any_batch(ddpm, heldout, batch_size):
    whole, t = errors(helped, ddpm, heldout, batch_size=batch_size)
    part, at = errors(helped, ddpm, heldout, batch_size=batch_size, own=slice(5, 11))
    assert torch.allclose(part, whole[5:11], rtol=1e-5)
    assert torch.equal(at, t[5:11])


def test_bins_go_from_the_least_noise_to_the_most_and_name_the_two_losses(ddpm, heldout):
    bins = by_noise(helped, ddpm, heldout)
    assert [one.n for one in bins] == [3] * BINS
    levels = [level for one in bins for level in (one.sigma_low, one.sigma_high)]
    assert levels == sorted(levels)
    for one in bins:
        assert one.without_condition > one.with_condition > 0
    shown, _ = errors(helped, ddpm, heldout)
    assert sum(one.with_condition for one in bins) / BINS == pytest.approx(shown.mean().item())


def test_a_perfect_network_loses_what_the_condition_tells_and_no_more_than_blind_guessing():
    """Why a held-out loss without the condition is not measured against that with it."""
    generator = torch.Generator().manual_seed(0)
    means = 0.8 * torch.randn(8, 1, 4, 4, generator=generator, dtype=torch.float64)
    each = [Gaussian(mean, 0.2) for mean in means]
    schedule = SCHEDULES["cosine"](1000)
    ddpm = DDPM(schedule, parameterization="v", noise_levels="lognormal")
    whole = Mixture(means, torch.full((8,), 1 / 8).double(), 0.2)
    network = ExactDenoiser(each, whole, schedule, (1, 4, 4))
    kind = torch.arange(400) % 8
    x_0 = means[kind] + 0.2 * torch.randn(400, 1, 4, 4, generator=generator, dtype=torch.float64)
    c, noise = torch.eye(8)[kind], torch.randn(x_0.shape, generator=generator, dtype=torch.float64)

    def loss(ratio, shown):
        t = schedule.timestep_of(torch.tensor([ratio])).expand(400)
        return ddpm.errors(network, x_0, t, c, torch.full((400, 1), shown), noise).mean().item()

    assert loss(0.1, 0.0) == pytest.approx(loss(0.1, 1.0), rel=0.01), "the picture tells it"
    for ratio, more in ((2.0, 1.15), (5.0, 3.0)):
        assert loss(ratio, 0.0) > more * loss(ratio, 1.0)
