import math

import pytest
import torch

from ddpm_clip.explain.over_time.u_turn import UTurns, u_turns
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.utils.generators import finish


def made_up(told, same, k=2):
    """Turns of n pictures, r at each of k levels, in class 1 or elsewhere."""
    n = len(same)
    return UTurns(torch.arange(1.0, k + 1), torch.ones(n, dtype=torch.long), told, same.long())


@pytest.mark.slow
def test_the_share_that_comes_back_is_the_posterior_of_the_mixture():
    """Turned with fresh noise, a picture of mode k comes back as often as E r_k(x_t) says."""
    target = planted_target("a two", seeds=range(8))
    truth, rows = target.network, target.timesteps()
    x = finish(target.pictures(target.conditions()))
    places = [i for i, t in enumerate(rows) if 0.3 < target.ratio(t) < 8]
    turns = finish(u_turns(target, x, places, rows, 24))
    generator = torch.Generator().manual_seed(1)
    exact = []
    for place in reversed(places):
        alpha, sigma = target.schedule.at(rows[place])
        noise = torch.randn(400, *x.shape, generator=generator, dtype=torch.float64)
        x_t = (alpha * x + sigma * noise).flatten(0, 1)
        exact.append(truth.posterior(x_t, rows[place])[:, 2].mean())
    assert turns.began.tolist() == [2] * 8
    assert turns.back.mean(0).tolist() == pytest.approx([float(p) for p in exact], abs=0.09)
    assert turns.back.mean(0)[0] == 1  # little noise
    assert turns.back.mean(0)[-1] < 0.3  # much


def test_turns_do_not_depend_on_how_many_levels_there_are():
    target = planted_target("a two", seeds=range(3))
    x, rows = finish(target.pictures(target.conditions())), target.timesteps()
    one = finish(u_turns(target, x, [8], rows, 2))
    other = finish(u_turns(target, x, [8], rows, 2, fresh=6))
    assert torch.equal(one.predicted, finish(u_turns(target, x, [8], rows, 2)).predicted)
    assert not torch.equal(one.predicted, other.predicted)


def test_the_roc_area_is_the_share_of_right_pairs():
    told = torch.tensor([[[0.9], [0.5]], [[0.2], [0.5]], [[0.7], [0.6]]])  # (3, 2, 1)
    same = torch.tensor([[[1], [0]], [[0], [1]], [[0], [1]]])
    found = made_up(told, same).roc_area()
    # first level: .9 above .2 and .7; second: .5 ties with .5, .6 above it
    assert found.share == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert found.pairs == 4


def test_random_predictions_rarely_look_significant():
    surely = 0
    for seed in range(100):
        generator = torch.Generator().manual_seed(seed)
        # some pictures come back more often than others, at one level more than at the other
        chance = torch.rand(16, 1, 1, generator=generator) * torch.tensor([1.0, 0.6])[:, None]
        same = torch.rand(16, 2, 6, generator=generator) < chance
        surely += made_up(torch.rand(16, 2, 6, generator=generator), same).roc_area().low > 0.5
    assert surely <= 7


def test_a_constant_prediction_is_no_better_than_chance():
    same = torch.rand(6, 2, 4, generator=torch.Generator().manual_seed(0)) < 0.5
    found = made_up(torch.full((6, 2, 4), 0.3), same).roc_area()
    assert (found.share, found.low, found.high) == (0.5, 0.5, 0.5)


def test_without_pairs_nothing_is_known():
    found = made_up(torch.rand(4, 2, 2), torch.ones(4, 2, 2)).roc_area()
    assert math.isnan(found.share)
    assert (found.low, found.high, found.pairs) == (0, 1, 0)
