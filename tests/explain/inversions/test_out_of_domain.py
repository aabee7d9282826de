"""What the model would not paint lies far out: the closed form, and other clothes than digits."""

import numpy as np
import pytest
import torch

from ddpm_clip.data.sources import open_source
from ddpm_clip.explain import target_of
from ddpm_clip.explain.inversions.ddim_inversion import invert
from ddpm_clip.explain.inversions.out_of_domain import OutOfDomain, compare_shuffled, shuffled
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.utils.generators import finish


def test_tiles_are_kept_and_moved_and_the_rest_stays():
    x = torch.randn(3, 2, 9, 10, generator=torch.Generator().manual_seed(0))
    found = shuffled(x)
    assert torch.equal(found[..., 8:, :], x[..., 8:, :])
    assert torch.equal(found[..., 8:], x[..., 8:])
    assert torch.equal(found[0, 0, :8, :8].flatten().sort()[0], x[0, 0, :8, :8].flatten().sort()[0])
    assert not torch.equal(found[0, 0, :8, :8], x[0, 0, :8, :8])
    tile = found[1, :, :2, :2]
    places = [x[1, :, i : i + 2, j : j + 2] for i in range(0, 8, 2) for j in range(0, 8, 2)]
    assert sum(torch.equal(tile, one) for one in places) == 1
    small = x[..., :3, :3]
    assert torch.equal(shuffled(small), small)


@pytest.mark.slow
def test_in_one_mode_the_noise_is_the_distance_from_its_middle():
    """Of a round Gaussian the flow is linear: noise = (x - m) / v."""
    target = planted_target("a five", range(6), guidance=1.0)
    seeds, steps = list(target.seeds), 200
    x = finish(target.pictures(target.conditions(), sampler="ddim"))
    predict = target.predict(target.conditions(), scale=1.0)
    noise = invert(predict, target.schedule, target.timesteps(steps), x)
    found = compare_shuffled(target, seeds, x, noise, steps)
    assert found.distinguished == 1.0
    # tiles near another mode are drawn to it, so the closed form is that of the own pictures
    mode = target.network
    exact = ((x - mode.means[5].view(1, 1, 8, 8)) / mode.std).double().flatten(1)
    assert found.own.tolist() == pytest.approx(exact.square().mean(1).sqrt().tolist(), rel=0.03)


def test_distinguished_is_the_area_under_the_curve():
    x = torch.zeros(2, 1, 4, 4)
    found = OutOfDomain(x, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0]))
    assert found.distinguished == 0.625


@pytest.mark.slow
@pytest.mark.data
def test_clothes_are_strangers_to_a_model_of_digits(data_root, monkeypatch):
    monkeypatch.setenv("DDPM_CLIP_DATA", str(data_root))
    target = target_of("digits", "a six", seeds=12)
    x = finish(target.pictures(target.conditions(), scale=1.0, steps=8))
    source = open_source("fashion-mnist", split="test")
    clothes = np.stack([np.asarray(source[i]) for i in range(12)])
    shown = torch.from_numpy(clothes).float()[:, None] / 127.5 - 1
    predict = target.predict(target.conditions(), scale=1.0)
    own, other = (
        invert(predict, target.schedule, target.timesteps(8), one).flatten(1).std(1)
        for one in (x, shown)
    )
    assert (other[:, None] > own).double().mean() > 0.95
