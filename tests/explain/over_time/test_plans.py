import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.over_time.plans import NONE, bins_of, planned
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.utils.generators import finish


def walked(target, plan, *conditions, steps=6):
    plan = torch.tensor(plan)
    return finish(planned(target, plan, conditions, target.seeds, lambda x: x, steps=steps))


def plainly(target, c, steps=6, **how):
    return finish(target.pictures(c, steps=steps, **how))


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "heun", "dpmpp_2m_sde"])
def test_a_plan_that_never_changes_is_an_ordinary_walk(sampler):
    target = planted_target(seeds=range(3), sampler=sampler)
    c, other = target.conditions(), target.conditions("a five")
    x = walked(target, [[0] * 6, [NONE] * 6, [1] * 6], c, other)
    torch.testing.assert_close(x[0], plainly(target, c))
    torch.testing.assert_close(x[1], plainly(target, c, scale=0.0))
    torch.testing.assert_close(x[2], plainly(target, other))


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "heun"])
def test_a_change_midway_is_that_of_a_predict_that_changes(sampler):
    target = planted_target(seeds=range(3), sampler=sampler)
    c, rows = target.conditions(), target.timesteps(6)

    def wrap(predict):
        off = target.predict(c, scale=0.0)
        return lambda x, t: (off if t > rows[2] else predict)(x, t)

    x = walked(target, [[NONE, NONE, 0, 0, 0, 0], [0] * 6], c)
    torch.testing.assert_close(x[0], plainly(target, c, wrap=wrap))


def test_the_network_is_asked_once_for_a_common_past():
    target = planted_target(seeds=range(4))
    asked = []

    class Counting:
        image_shape, c_embed_dim = target.network.image_shape, target.network.c_embed_dim

        def __call__(self, x_t, t, c, c_mask):
            asked.append(len(x_t))
            return target.network(x_t, t, c, c_mask)

    plan = (torch.arange(8)[:, None] >> torch.arange(3)) & 1  # 8 plans of 3 steps
    counted = target.replace(network=Counting())
    walked(counted, (plan - 1).tolist(), target.conditions(), steps=3)
    # 2, 4, 8 different pasts, of which half ask both branches
    assert sum(asked) == 4 * 1.5 * (2 + 4 + 8)


def test_few_at_once_give_the_same(monkeypatch):
    target = planted_target(seeds=range(3))
    c, plan = target.conditions(), [[NONE, 0, 0, 0, 0, 0], [0] * 6]
    whole = walked(target, plan, c)
    monkeypatch.setattr("ddpm_clip.explain.over_time.plans.AT_ONCE", 1)
    torch.testing.assert_close(walked(target, plan, c), whole)


def test_bins_are_equal_parts_from_the_noise_down():
    assert bins_of(7, 3).tolist() == [0, 0, 0, 1, 1, 2, 2]
    with pytest.raises(UsageError, match="bins"):
        bins_of(3, 4)


@pytest.mark.parametrize("plan", [[[0] * 5], [[1] * 6], [[-2] * 6]])
def test_a_plan_that_cannot_be_walked_is_refused(plan):
    target = planted_target(seeds=range(2))
    with pytest.raises(UsageError, match="plan"):
        walked(target, plan, target.conditions())
