"""A training that was given minutes: planned anew on the way, and resumed as planned."""

import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.runs.file_names import PLAN
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import _Loop, train
from ddpm_clip.training.steps.pace import Timing
from tests.training.test_loop import CLOCKS, assert_the_same, config, prepared


class Clock:
    """A clock that stands still unless it is turned on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def trained(folder, settings, cost, stop=None, began=None, before=0.0):
    """Train with a clock that advances by `cost(step)` within each step; (run, steps, clock)."""
    run, clock, done = Run.create(folder, settings), Clock(), []
    clock.now = before

    def optimise(self, step, lr, plain=_Loop.optimise):
        clock.now += cost(step)
        return plain(self, step, lr)

    with run.writing(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Loop, "optimise", optimise)
        steps = train(run, prepared(), timing=Timing(clock, began))
        for at in steps:
            done.append(at)
            if at.step == stop:
                break
        steps.close()
    return run, done, clock


def everything(run):
    checkpoint = run.load()
    history = [{k: v for k, v in row.items() if k not in CLOCKS} for row in run.history()]
    tensors = {(g, k): v for g, group in checkpoint.tensors.items() for k, v in group.items()}
    state = {key: value for key, value in checkpoint.state.items() if key != "pace"}
    return checkpoint.step, state, tensors, history


def minutes(value=1.0, steps=30, **more):
    return config(minutes=value, steps=steps, heldout_every=50, decay=0.5, **more)


@pytest.mark.slow
def test_a_machine_that_gets_slower_takes_fewer_steps_and_ends_on_time(tmp_path):
    run, done, clock = trained(tmp_path / "run", minutes(), lambda i: 2.0 if i <= 10 else 4.0)
    assert clock.now == pytest.approx(60, rel=0.05)
    assert len(done) == 20
    lowest = run.config.training.lr * run.config.training.final_lr
    assert done[-1].lr == pytest.approx(lowest)
    assert run.checkpoint_steps()[-1] == 20
    assert Run.open(run.folder).config.training.steps == 20, "as `show` and `resume` read it"
    now = run.read_json(PLAN)["now"]
    assert now["plans"][0] == [0, 0.0, 30]
    assert len(now["plans"]) > 1


@pytest.mark.slow
def test_stopped_and_resumed_it_equals_an_unbroken_one_to_the_bit(tmp_path):
    whole, _, _ = trained(tmp_path / "whole", minutes(), lambda i: 2.0)
    trained(tmp_path / "parts", minutes(), lambda i: 2.0, stop=13)
    torch.manual_seed(99)
    parts, done, clock = trained(tmp_path / "parts", minutes(steps=30), lambda i: 2.0, before=777.0)
    assert done[0].step == 14
    assert_the_same(everything(whole), everything(parts))
    assert parts.load().state["pace"]["spent"] == pytest.approx(60, abs=3)
    assert clock.now - 777 == pytest.approx(2 * 17), "what was spent before is not given again"


@pytest.mark.slow
def test_what_came_before_the_first_step_is_counted_once(tmp_path):
    run, _, _ = trained(tmp_path / "run", minutes(), lambda i: 2.0, began=0.0, before=20.0, stop=12)
    assert run.config.training.steps == 20
    _, done, _ = trained(
        tmp_path / "run", minutes(steps=20), lambda i: 2.0, began=5000.0, before=5030.0
    )
    assert done[-1].step == 20, "preparing again, after a resume, takes nothing away"


def test_minutes_that_are_over_before_the_first_step_are_refused(tmp_path):
    with pytest.raises(UsageError, match="over before the first step") as error:
        trained(tmp_path / "run", minutes(), lambda i: 2.0, began=0.0, before=61.0)
    assert "61 s" in error.value.why


@pytest.mark.slow
def test_more_minutes_continue_a_finished_training(tmp_path):
    trained(tmp_path / "run", minutes(), lambda i: 2.0)
    _, done, _ = trained(tmp_path / "run", minutes(2.0), lambda i: 2.0)
    assert done[0].step == 31
    assert done[-1].step == pytest.approx(60, abs=2)
    assert done[0].lr > 10 * done[-1].lr
