"""The guidance weight that went in is the one that was used, and another one is noticed."""

import pytest
import torch

from ddpm_clip.explain.guidance.weight_used import check_weights, steps_kept, weight_used
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.explain.target.recorder import Recorder
from tests.explain.stubborn import stubborn


def recorded(target, scale=None, interval=None):
    c = target.conditions()
    recorder = Recorder(target, c)
    for _ in recorder.listen(target.walk(c, scale=scale, interval=interval)):
        pass
    return recorder.recording()


@pytest.mark.parametrize("scale", [-1.0, 0.0, 1.0, 2.0, 7.5])
@pytest.mark.parametrize("clamp", ["none", "static"])
def test_the_weight_in_is_the_weight_used(scale, clamp):
    target = planted_target("a two", range(3), steps=8)
    target = target.replace(settings=target.settings.with_overrides(clamp=clamp))
    check = check_weights(target, recorded(target, scale), scale)
    assert check.worst < 1e-5
    assert int((~check.used.isnan()).sum()) >= 9
    assert not check.wrong


def test_each_picture_has_its_own_weight_and_outside_the_interval_it_is_one():
    target = planted_target("a two", range(3), steps=12)
    target = target.replace(settings=target.settings.with_overrides(interval=(1.0, 10.0)))
    scales = torch.tensor([0.5, 2.0, 4.0])
    check = check_weights(target, recorded(target, scales), scales)
    assert check.asked[0].tolist() == [0.5, 1.0, 1.0]  # pure noise, beyond the interval
    assert [0.5, 2.0, 4.0] in check.asked.tolist()
    assert check.worst < 1e-5


def test_an_overwritten_weight_is_noticed():
    target = stubborn(planted_target("a two", range(3), steps=8))
    check = check_weights(target, recorded(target))
    assert check.wrong
    assert check.worst == pytest.approx(1.0, abs=1e-4)


def test_clamped_pixels_and_faint_fields_tell_no_slope():
    cond, uncond = torch.full((1, 1, 2, 2), 0.8), torch.zeros(1, 1, 2, 2)
    cond[..., 0] = 0.2
    guided = (3 * cond).clamp(-1, 1)
    assert weight_used(guided, cond, uncond, edge=1.0).item() == pytest.approx(3)
    assert weight_used(guided, cond, uncond).item() < 2  # were the clamp not known
    assert bool(weight_used(1e-5 * guided, 1e-5 * cond, uncond).isnan().all())


def test_where_the_line_is_bent_nothing_is_measured():
    target = planted_target("a two", range(3), steps=8)
    target = target.replace(settings=target.settings.with_overrides(rescale=0.5))
    check = check_weights(target, recorded(target))
    assert check.worst is None
    assert not check.wrong


def test_a_recording_keeps_as_many_steps_as_there_is_room_for():
    target = planted_target(steps=8)
    assert steps_kept(target, 16, 8) == list(range(8))
    assert steps_kept(target, 16, 20)[0] == 0
    assert steps_kept(target, 16, 20)[-1] == 19
    assert len(steps_kept(target, 60_000, 20)) == 4
