import pytest
import torch

from ddpm_clip.explain.prompt.lowest_level import Tap, tap_of
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.models.course_unet import CourseUNet
from ddpm_clip.models.unet import UNet


def with_network(network):
    return planted_target(seeds=range(2)).replace(network=network.eval())


def unet():
    torch.manual_seed(0)
    return UNet(1000, 1, 8, (16, 32), 16, 10, blocks=2, attention=4)


def test_the_last_of_the_smallest_maps_is_found():
    tap = tap_of(with_network(unet()))
    assert tap.name == "up.0.blocks.1"
    course = tap_of(with_network(CourseUNet(1000, 1, 8, (16, 16, 32), 8, 10)))
    assert course.name == "up0"


def test_a_target_without_a_network_has_no_tap():
    assert tap_of(planted_target()) is None


def test_looking_leaves_no_hook_behind():
    network = unet()
    tap_of(with_network(network))
    assert not any(module._forward_hooks for module in network.modules())


def test_a_tap_reads_and_adds_until_it_is_closed():
    module = torch.nn.Identity()
    tap, x = Tap(module, "here"), torch.ones(2, 3, 1, 1)
    with tap.open():
        tap.added = torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1)
        assert module(x)[0].flatten().tolist() == [2, 3, 4]
        assert tap.feature_map.equal(x)
    assert module(x).equal(x)


def test_a_tap_is_gone_after_an_error():
    module = torch.nn.Identity()

    def break_off():
        with Tap(module, "here").open():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert not module._forward_hooks


def test_each_timestep_gets_its_own_direction_or_that_of_the_nearest():
    module, seen = torch.nn.Identity(), []
    tap = Tap(module, "here")

    def predict(x_t, t):
        seen.append(module(x_t).flatten()[0].item())

    directions = {900.0: torch.ones(1, 1, 1), 100.0: 5 * torch.ones(1, 1, 1)}
    with tap.open():
        steered = tap.adding(directions, 2.0)(predict)
        for t in (900.0, 600.0, 100.0):
            steered(torch.zeros(1, 1, 1, 1), t)
        predict(torch.zeros(1, 1, 1, 1), 100.0)  # past the wrap nothing is added
    assert seen == [2, 2, 10, 0]
