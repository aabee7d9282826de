"""What is remembered is what would be painted anew, and nothing else is."""

import pytest
import torch

from ddpm_clip.explain import switching, timesteps
from ddpm_clip.explain.target.cache import Memory
from ddpm_clip.explain.target.nulls import NULLS
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.explain.verdict.prerequisite import controls
from ddpm_clip.utils.generators import finish


class Counting:
    """A network that counts the pictures that it is asked about."""

    def __init__(self, network):
        self.network, self.asked = network, 0
        self.image_shape, self.c_embed_dim = network.image_shape, network.c_embed_dim

    def __call__(self, x_t, t, c, c_mask):
        self.asked += len(x_t)
        return self.network(x_t, t, c, c_mask)


@pytest.fixture
def counted():
    target = planted_target(seeds=range(6), sampler="dpmpp_2m_sde")
    network = Counting(target.network)
    return target.replace(network=network).replace(memory=Memory()), network


def test_pictures_are_those_of_a_target_without_memory_and_each_is_painted_once(counted):
    target, network = counted
    c = target.conditions()
    plain = finish(target.replace(memory=None).pictures(c, steps=5))
    network.asked = 0
    torch.testing.assert_close(finish(target.pictures(c[:4], range(4), steps=5)), plain[:4])
    assert network.asked == 4 * 2 * 5  # both branches at each step
    # some are known, two are new, and one of these is wanted twice
    order = [5, 0, 3, 4, 5]
    torch.testing.assert_close(finish(target.pictures(c[order], order, steps=5)), plain[order])
    assert network.asked == 6 * 2 * 5


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 6},
        {"scale": 1.0},
        {"sampler": "ddim"},
        {"interval": (0.5, 2.0)},
        {"scale": torch.linspace(1, 3, 6)},
        {"x_start": torch.ones(6, 1, 8, 8)},
        {"timesteps": [900.0, 3.0]},
        {"wrap": lambda predict: predict},
    ],
)
def test_another_walk_is_another_picture(counted, change):
    target, network = counted
    c = target.conditions()
    finish(target.pictures(c, steps=5))
    network.asked = 0
    how = {"steps": 5, **change}
    x = finish(target.pictures(c, **how))
    assert network.asked > 0
    torch.testing.assert_close(x, finish(target.replace(memory=None).pictures(c, **how)))


def test_other_conditions_and_other_seeds_are_other_pictures(counted):
    target, network = counted
    finish(target.pictures(target.conditions(), steps=5))
    for prompt, seeds in (("a five", range(6)), ("a two", range(6, 12))):
        c = target.conditions(prompt, seeds)
        network.asked = 0
        finish(target.pictures(c, seeds, steps=5))
        assert network.asked == 6 * 2 * 5


def test_a_walk_is_walked_once_step_by_step_and_its_pictures_are_known(counted):
    target, network = counted
    c = target.conditions()
    first = list(target.walk(c, steps=5))
    network.asked = 0
    again = list(target.walk(c, steps=5))
    x = finish(target.pictures(c[2:], range(2, 6), steps=5))
    assert network.asked == 0
    assert [step.i for step in again] == list(range(5))
    assert all(torch.equal(a.pred.x_0, b.pred.x_0) for a, b in zip(first, again, strict=True))
    assert torch.equal(x, first[-1].x_prev[2:].clamp(-1, 1))


def test_a_walk_that_was_left_midway_is_not_known(counted):
    target, network = counted
    c = target.conditions()
    next(target.walk(c, steps=5))
    network.asked = 0
    assert len(list(target.walk(c, steps=5))) == 5
    assert network.asked == 6 * 2 * 5


@pytest.mark.parametrize("null", list(NULLS))
def test_a_null_has_forgotten_what_was_true(null, counted):
    target, _ = counted
    finish(target.pictures(target.conditions()))
    assert NULLS[null](target, 0).memory is None
    assert target.replace(seeds=(3,), prompt="a five", asked_class=5).memory is target.memory


def test_controls_are_painted_once_for_all_analyses(counted):
    target, network = counted
    first = finish(controls(target))
    network.asked = 0
    assert finish(controls(target)) is first
    assert network.asked == 0
    finish(controls(target.replace(seeds=range(1, 7))))
    assert network.asked > 0


@pytest.mark.slow
def test_the_windows_of_switching_are_among_the_coalitions_of_timesteps():
    target = planted_target("a two")
    network = Counting(target.network)
    target = target.replace(network=network).replace(memory=Memory())
    alone = switching(target.replace(memory=None), quick=True)
    timesteps(target, quick=True)
    network.asked = 0
    found = switching(target, quick=True)
    assert network.asked == 0
    assert found.verdict == alone.verdict
    torch.testing.assert_close(found.numbers["map"]["only"], alone.numbers["map"]["only"])


def test_what_was_not_asked_for_longest_gives_way():
    memory, row = Memory(room=3 * 400), torch.zeros(100)
    for name in "abc":
        memory.keep(name, name, [row])
    assert memory.get("a") == "a"  # now b is the one that was not asked for longest
    memory.keep("d", "d", [row])
    assert [memory.get(name) for name in "abcd"] == ["a", None, "c", "d"]
    memory.keep("large", 0, [row] * 4)
    memory.keep("small", 0)
    assert len(memory) == 4
    assert memory.get("large") is None
    memory.keep("d", "new", [row, row])  # in the place of the old one
    assert memory.get("d") == "new"
    assert len(memory) == 3
