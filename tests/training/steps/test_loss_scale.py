"""The factor of the loss in float16: lowered by an overflow, raised by patience, resumed."""

import math

import pytest
import torch

from ddpm_clip.build import build_ddpm
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import _Loop, start_state
from ddpm_clip.training.steps import loss_scale
from ddpm_clip.training.steps.loss_scale import FIRST, LossScale
from ddpm_clip.training.steps.optimizers import flat_optimizer
from tests.training.test_loop import config, prepared

CPU = torch.device("cpu")


def started(dtype=torch.float16):
    scale = LossScale()
    scale.start(dtype)
    return scale


def test_only_float16_has_a_factor():
    assert started().factor == FIRST
    for dtype in (torch.float32, torch.bfloat16):
        scale = started(dtype)
        scale.went_well()
        assert (scale.factor, scale.good, scale.overflowed()) == (1, 0, False)
        assert scale.as_dict() == {}


def test_an_overflow_halves_it_and_patience_doubles_it(monkeypatch):
    monkeypatch.setattr(loss_scale, "PATIENCE", 3)
    scale = started()
    assert scale.overflowed()
    assert scale.factor == FIRST / 2
    for _ in range(3):
        scale.went_well()
    assert (scale.factor, scale.good) == (FIRST, 0)


def test_at_one_it_cannot_help_any_more():
    scale = started()
    scale.factor = 1.0
    assert not scale.overflowed()


def test_gradients_are_divided_by_it_and_then_clipped():
    scale, weight = started(), torch.nn.Parameter(torch.ones(2))
    parameters = [weight, torch.nn.Parameter(torch.ones(1))]
    weight.grad = torch.tensor([3 * FIRST, 4 * FIRST])
    assert scale.clipped(parameters, 10).item() == pytest.approx(5)
    assert weight.grad.tolist() == [3, 4]
    weight.grad *= FIRST
    assert scale.clipped(parameters, 1).item() == pytest.approx(5)
    assert weight.grad.tolist() == pytest.approx([0.6, 0.8], rel=1e-4)


def test_a_resumed_run_keeps_it():
    scale, other = started(), LossScale()
    scale.overflowed()
    scale.went_well()
    other.restore(scale.as_dict())
    other.start(torch.float16)
    assert (other.factor, other.good) == (FIRST / 2, 1)
    low = started()
    low.factor = 1.0
    other.restore(low.as_dict())
    other.start(torch.float16)
    assert other.factor == 1, "one that has come down stays there"
    other.restore({})
    assert other.as_dict() == {}


@pytest.mark.slow
def test_the_factor_changes_no_step(tmp_path):
    moved = []
    for factor in (1.0, 2.0**10):
        run, data = Run.create(tmp_path / str(factor), config()), prepared()
        state = start_state(run, data.conditioner.width, CPU)
        one = _Loop(run, data, state, build_ddpm(run.config.diffusion, CPU), CPU)
        state.scale = LossScale(factor, 0, factor != 1)
        assert math.isfinite(one.optimise(1, 1e-3))
        # Adam's moments are not blind to the size of gradients, as its steps are.
        moved.append(torch.cat([v.flatten() for v in flat_optimizer(state.optimizer).values()]))
    assert torch.allclose(*moved, rtol=1e-3, atol=1e-7)


@pytest.mark.slow
def test_a_gradient_that_overflows_is_skipped_without_alarm(tmp_path, recwarn):
    run, data = Run.create(tmp_path / "run", config()), prepared()
    state = start_state(run, data.conditioner.width, CPU)
    one = _Loop(run, data, state, build_ddpm(run.config.diffusion, CPU), CPU)
    state.scale = LossScale(float("inf"), 0, True)
    before = [p.clone() for p in state.model.parameters()]
    assert math.isnan(one.optimise(1, 1e-3))
    assert all(torch.equal(a, b) for a, b in zip(before, state.model.parameters(), strict=True))
    assert (state.step, state.stability.in_a_row) == (1, 0)
    assert not [one for one in recwarn if "skipped" in str(one.message)]
