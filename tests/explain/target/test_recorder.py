"""Recording changes nothing, keeps what was asked for, and refuses what would not fit."""

import pytest
import torch

from ddpm_clip.diffusion.guidance import Guidance, guided
from ddpm_clip.errors import UsageError
from ddpm_clip.explain.target import recorder
from ddpm_clip.explain.target.from_model import target_of
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.explain.target.recorder import Recorder, record
from ddpm_clip.models.ddpm import without_gradients


def ends(steps):
    return list(steps)[-1].x_prev


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["dpmpp_2m", "dpmpp_2m_sde", "ddim", "heun", "ddpm"])
def test_a_recorded_walk_of_a_shipped_model_is_the_unrecorded_one_to_the_bit(sampler):
    target = target_of("digits", "a six", 2, sampler=sampler, steps=4)
    c = target.conditions()
    heard = Recorder(target, c)
    assert torch.equal(ends(heard.listen(target.walk(c))), ends(target.walk(c)))
    assert torch.equal(heard.recording().x_end, ends(target.walk(c)))


def test_what_is_kept_is_what_the_steps_carried_in_their_order():
    target = planted_target(seeds=range(3))
    c, at = target.conditions(), [7, 0, -1]
    steps = list(target.walk(c))
    kept = record(target, c, at=at)
    assert kept.steps == (0, 7, 19)
    assert kept.t == tuple(steps[i].t for i in kept.steps)
    for place, i in enumerate(kept.steps):
        assert torch.equal(kept.x_t[place], steps[i].x_t.float())
        assert torch.equal(kept.x_0[place], steps[i].pred.x_0.float())
        assert torch.allclose(kept.eps[place], steps[i].pred.eps.float(), atol=1e-4)


def test_both_branches_are_there_where_the_walk_asked_only_one():
    target = planted_target(seeds=range(2), guidance=1.0)
    c = target.conditions()
    assert all(step.pred.x_0_cond is None for step in target.walk(c))
    kept = record(target, c)
    for place, t in enumerate(kept.t):
        for found, mask in ((kept.x_0_cond, 1.0), (kept.x_0_uncond, 0.0)):
            exact = target.network.x_0(kept.x_t[place], t, mask * c)
            assert torch.allclose(found[place].double(), exact, atol=2e-4)


@pytest.mark.slow
def test_branches_of_a_model_are_those_of_guidance_itself():
    target = target_of("digits", "a six", 2, steps=4)
    c, ddpm = target.conditions(), target.ddpm
    kept = record(target, c)
    ask = guided(
        without_gradients(target.network), ddpm.schedule, ddpm.parameterization, c, Guidance(3.0)
    )
    for place, t in enumerate(kept.t):
        both = ask(kept.x_t[place], t)
        assert torch.allclose(kept.x_0_cond[place], both.x_0_cond, atol=1e-5)
        assert torch.allclose(kept.delta[place], both.x_0_cond - both.x_0_uncond, atol=1e-5)


def test_too_much_is_refused_before_anything_is_walked(monkeypatch):
    monkeypatch.setattr(recorder, "MOST_BYTES", 50_000)
    target = planted_target(seeds=range(8))
    with pytest.raises(UsageError, match="MiB"):
        Recorder(target, target.conditions())
    few = Recorder(target, target.conditions(), at=[0, -1])
    list(few.listen(target.walk(few.c)))
    assert few.recording().x_t.shape[0] == 2


def test_positions_outside_the_walk_and_empty_recordings_are_refused():
    target = planted_target(seeds=[0])
    with pytest.raises(UsageError, match="not all in a walk"):
        Recorder(target, target.conditions(), at=[20])
    with pytest.raises(UsageError, match="nothing was recorded"):
        Recorder(target, target.conditions()).recording()
