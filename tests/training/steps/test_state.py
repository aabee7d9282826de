"""What changes in a training: its seeds, decay, learning rate, and the way into a checkpoint."""

import pytest
import torch

from ddpm_clip.config.schema import TrainingConfig
from ddpm_clip.runs.run import Run
from ddpm_clip.training.steps.state import TrainState, learning_rate, start_state
from tests.tiny_run import CLASSES, random_state, tiny_config, tiny_run

CPU, WIDTH = torch.device("cpu"), len(CLASSES) + 1


def started(folder, **training):
    return start_state(Run.create(folder, tiny_config(training=training)), WIDTH, CPU)


def different(one, other):
    """Names of the tensors that differ."""
    assert one.keys() == other.keys()
    return [name for name in one if not torch.equal(one[name], other[name])]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_weights_decay_as_asked_and_biases_and_the_null_condition_do_not(tmp_path, optimizer):
    state = started(tmp_path, weight_decay=0.3, optimizer=optimizer)
    decay = {
        id(p): group["weight_decay"]
        for group in state.optimizer.param_groups
        for p in group["params"]
    }
    found = {name: decay[id(p)] for name, p in state.model.named_parameters()}
    assert {found[name] for name, p in state.model.named_parameters() if p.ndim >= 2} == {0.3}
    assert {found[name] for name, p in state.model.named_parameters() if p.ndim < 2} == {0.0}
    assert found["context.null"] == 0.0


def test_the_seed_decides_the_first_weights(tmp_path):
    first, again, other = (
        started(tmp_path / str(i), seed=seed).model.state_dict() for i, seed in enumerate((3, 3, 4))
    )
    assert different(first, again) == []
    assert "enter.weight" in different(first, other)


@pytest.mark.slow
def test_a_run_starts_from_the_average_of_the_model_that_it_names(tmp_path):
    model = tiny_run(tmp_path / "model")
    run = Run.create(tmp_path / "run", tiny_config(), facts={"init": str(model.folder)})
    state = start_state(run, WIDTH, CPU)
    assert different(state.model.state_dict(), dict(model.load().tensors["ema"])) == []
    assert different(state.ema.state_dict(), dict(model.load().tensors["ema"])) == []


def stepped(state: TrainState) -> TrainState:
    """The state after a step against a random gradient."""
    for parameter in state.model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5))
    state.optimizer.step()
    state.ema.update()
    state.step += 1
    return state


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_checkpoint_brings_back_everything(tmp_path, optimizer):
    run = Run.create(tmp_path, tiny_config(training={"optimizer": optimizer}))
    state = stepped(stepped(random_state(run)))
    state.best, state.best_step, state.parts = 0.25, 1, 4
    state.stability.rate, state.stability.in_a_row = 0.5, 2
    kept = state.checkpoint()
    again = start_state(run, WIDTH, CPU)
    again.restore(kept)
    found = again.checkpoint()
    assert found.step == 2
    assert found.state == kept.state
    for group in ("model", "ema", "optimizer"):
        assert different(found.tensors[group], kept.tensors[group]) == [], group
    assert (again.best, again.parts, again.ema.n) == (0.25, 4, 2)
    assert (again.stability.rate, again.stability.in_a_row) == (0.5, 2)


def test_the_best_step_is_the_one_of_the_lowest_held_out_loss(tmp_path):
    state = random_state(Run.create(tmp_path, tiny_config()))
    best = []
    for state.step, loss in enumerate((3.0, None, 2.0, 2.5, 1.0), start=1):
        state.sound_checkpoint(loss)
        best.append((state.best_step, state.best))
    assert best == [(1, 3.0), (1, 3.0), (3, 2.0), (3, 2.0), (5, 1.0)]


# The learning rate


def rates(steps=100, **training):
    options = TrainingConfig(**training)
    return [learning_rate(step, steps, options) for step in range(1, steps + 1)]


def test_the_rate_warms_up_stays_and_falls():
    rate = rates(lr=1.0, warmup=10, decay=0.3, final_lr=0.1)
    assert rate[:10] == pytest.approx([k / 10 for k in range(1, 11)])
    assert set(rate[9:70]) == {1.0}
    assert rate[69] > rate[70] > rate[98] > rate[99]
    assert rate[84] == pytest.approx(0.1 + 0.9 * 15 / 30)
    assert rate[-1] == pytest.approx(0.1)


def test_a_run_shorter_than_its_warm_up_never_passes_the_rate():
    rate = rates(steps=5, lr=1.0, warmup=200, decay=0.3, final_lr=0.02)
    assert rate == pytest.approx([1 / 200, 2 / 200, 3 / 200, 4 / 200, 0.02])
    assert rates(steps=5, lr=1.0, warmup=200, decay=0.0)[-1] == pytest.approx(5 / 200)


def test_without_warm_up_and_decay_the_rate_is_constant():
    assert set(rates(lr=0.5, warmup=0, decay=0.0)) == {0.5}
