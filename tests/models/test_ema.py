"""The average of the weights follows its profile, and comes and goes without harm."""

import pytest
import torch
from torch import nn

from ddpm_clip.models import EMA
from ddpm_clip.models.ema import power_exponent


def at(model, value):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)


def shadow_after(values, **options):
    model = nn.Linear(2, 1)
    ema = EMA(model, **options)
    for value in values:
        at(model, value)
        ema.update()
    return ema.shadow["weight"][0, 0].item()


def test_the_power_profile_is_the_direct_weighted_sum():
    values = torch.randn(40, generator=torch.Generator().manual_seed(0)).tolist()
    gamma = power_exponent(0.1)
    # Update n keeps (1 - 1/n)^(gamma+1), so value k weighs (k/N)^(gamma+1) - ((k-1)/N)^(gamma+1).
    n = len(values)
    weights = [(k / n) ** (gamma + 1) - ((k - 1) / n) ** (gamma + 1) for k in range(1, n + 1)]
    exact = sum(w * v for w, v in zip(weights, values, strict=True))
    assert sum(weights) == pytest.approx(1)
    assert shadow_after(values) == pytest.approx(exact, abs=1e-5)


@pytest.mark.parametrize(("width", "gamma"), [(0.10, 6.94), (0.05, 16.97)])
def test_the_exponents_are_the_published_ones(width, gamma):
    assert power_exponent(width) == pytest.approx(gamma, abs=0.005)


@pytest.mark.parametrize("width", [0.05, 0.1, 0.25])
def test_the_profile_has_the_asked_relative_width(width):
    gamma, n = power_exponent(width), 20_000
    k = torch.arange(1, n + 1, dtype=torch.float64)
    weight = (k / n) ** (gamma + 1) - ((k - 1) / n) ** (gamma + 1)
    mean = (weight * k / n).sum()
    assert (weight * (k / n - mean) ** 2).sum().sqrt().item() == pytest.approx(width, abs=1e-4)


def test_the_first_update_forgets_the_random_start():
    assert shadow_after([3.0]) == pytest.approx(3.0)


def test_a_constant_decay_ramps_up_as_in_the_seeds():
    ema = EMA(nn.Linear(2, 1), decay=0.99)
    assert [ema.beta(n) for n in (1, 10, 100_000)] == [2 / 11, 11 / 20, 0.99]
    mean = 0.0
    for n, value in enumerate([1.0, 2.0, 4.0], start=1):
        decay = (1 + n) / (10 + n)
        mean = decay * mean + (1 - decay) * value
    model = nn.Linear(2, 1)
    at(model, 0.0)
    ema = EMA(model, decay=0.99)
    for value in (1.0, 2.0, 4.0):
        at(model, value)
        ema.update()
    assert ema.shadow["weight"][0, 0].item() == pytest.approx(mean)


@pytest.fixture
def trained():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    ema = EMA(model)
    at(model, 1.0)
    ema.update()
    at(model, 2.0)
    return model, ema


def weights(model):
    return {k: v.clone() for k, v in model.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[k], other[k]) for k in one)


def test_the_average_comes_and_goes(trained):
    model, ema = trained
    before = weights(model)
    with ema.applied() as averaged:
        assert averaged is model
        assert same(weights(model), ema.shadow)
        assert not same(weights(model), before)
    assert same(weights(model), before)


def test_an_error_inside_still_brings_the_trained_weights_back(trained):
    model, ema = trained
    before = weights(model)
    with pytest.raises(KeyError), ema.applied():
        raise KeyError
    assert same(weights(model), before)


def test_applying_twice_loses_nothing(trained):
    model, ema = trained
    before = weights(model)
    ema.apply_shadow()
    ema.apply_shadow()
    ema.restore()
    assert same(weights(model), before)
    ema.restore()
    assert same(weights(model), before)


def test_buffers_that_count_are_copied_and_not_averaged(trained):
    model, ema = trained
    model[1].num_batches_tracked.fill_(7)
    ema.update()
    assert ema.shadow["1.num_batches_tracked"].item() == 7


def test_a_loaded_average_goes_on_as_if_it_had_never_stopped():
    values = torch.randn(12, generator=torch.Generator().manual_seed(0)).tolist()
    model = nn.Linear(2, 1)
    first, second = EMA(model), EMA(model)
    for n, value in enumerate(values):
        at(model, value)
        if n < 6:
            first.update()
        else:
            if n == 6:
                second.load_state_dict(first.state_dict(), first.n)
            second.update()
    assert second.shadow["weight"][0, 0].item() == pytest.approx(shadow_after(values), abs=1e-6)
