"""The held-out loss: fixed draws, and what it is with the condition and without it."""

import pytest
import torch

from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.training.steps.validation import BINS, HeldOut, by_noise, errors
from tests.training.test_loop import config, prepared
from ddpm_clip.build import build_ddpm


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
