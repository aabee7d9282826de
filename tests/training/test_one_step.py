"""One optimisation step: what the loss is given, what happens to its gradient, what is measured."""

import math
from types import SimpleNamespace

import pytest
import torch

from ddpm_clip.build import build_ddpm
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import _Loop
from ddpm_clip.training.steps.state import learning_rate, start_state
from tests.training.test_loop import config, prepared

CPU = torch.device("cpu")


def loop(folder, dropout=0.0, c_drop_prob=0.15, **training):
    """The loop of a run whose weights are random, none of them zero."""
    settings = config(dropout=dropout, **training)
    conditioning = settings.conditioning.model_copy(update={"c_drop_prob": c_drop_prob})
    generation = settings.generation.model_copy(update={"unconditional": c_drop_prob == 1})
    parts = {"conditioning": conditioning, "generation": generation}
    run, data = Run.create(folder, settings.model_copy(update=parts)), prepared()
    state = start_state(run, data.conditioner.width, CPU)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in state.model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    state.ema.register()
    return _Loop(run, data, state, build_ddpm(run.config.diffusion, CPU), CPU)


def gradients(of):
    return {name: p.grad.clone() for name, p in of.state.model.named_parameters()}


@pytest.mark.slow
def test_dropped_conditions_train_the_null_condition_and_shown_ones_the_projection(tmp_path):
    for share in (0.0, 1.0):
        one = loop(tmp_path / str(share), c_drop_prob=share)
        one.gathered(1, 1)
        found = gradients(one)
        null, projection = found["context.null"], found["context.mlp.0.weight"]
        assert bool(null.any()) == (share == 1)
        assert bool(projection.any()) == (share == 0)


@pytest.mark.slow
@pytest.mark.parametrize("parts", [2, 3, 6])
def test_micro_batches_gather_the_gradient_of_the_whole_batch(tmp_path, parts):
    one = loop(tmp_path)
    whole, wanted = one.gathered(1, 1), gradients(one)
    part = one.gathered(1, parts)  # from zero again
    assert part.item() == pytest.approx(whole.item(), rel=1e-5)
    for name, value in gradients(one).items():
        assert torch.allclose(value, wanted[name], rtol=1e-3, atol=1e-6), name


@pytest.mark.slow
def test_among_several_processes_each_scales_its_gradient_for_their_average(tmp_path):
    one = loop(tmp_path)
    one.gathered(1, 1)
    alone = gradients(one)["enter.weight"]
    batch = one.batches.of(0, torch.Generator().manual_seed(0))
    found = []
    for size in (1, 3):
        one.state.optimizer.zero_grad()
        one.group = SimpleNamespace(size=size)
        one.gradients(batch)
        found.append(gradients(one)["enter.weight"])
    assert alone.any()
    assert torch.allclose(found[1], 3 * found[0], rtol=1e-4, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("clip", [0.01, 1e6])
def test_the_gradient_is_clipped_to_the_asked_norm(tmp_path, monkeypatch, clip):
    one, norms = loop(tmp_path, clip=clip), []

    def step():
        parts = [p.grad.norm() for p in one.state.model.parameters()]
        norms.append(torch.stack(parts).norm().item())

    one.gathered(1, 1)
    free = torch.stack([value.norm() for value in gradients(one).values()]).norm().item()
    monkeypatch.setattr(one.state.optimizer, "step", step)
    one.optimise(1, 1e-3)
    assert norms == [pytest.approx(min(clip, free), rel=1e-3)]
    assert free > 0.05


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_network_computes_in_the_asked_type_and_the_loss_in_float32(tmp_path, dtype):
    one, seen = loop(tmp_path, dtype=dtype), []
    one.state.model.enter.register_forward_hook(lambda *given: seen.append(given[2].dtype))
    assert one.gathered(1, 1).dtype == torch.float32
    assert seen == [getattr(torch, dtype)]


@pytest.mark.parametrize("wanted", [True, False])
def test_the_network_is_compiled_if_that_is_asked(tmp_path, monkeypatch, wanted):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda model: compiled.append(model) or model.forward)
    one = loop(tmp_path, compile=wanted)
    assert compiled == ([one.state.model] if wanted else [])
    assert one.network == (one.state.model.forward if wanted else one.state.model)


def test_a_step_is_taken_at_its_learning_rate_halved_where_training_stumbled(tmp_path):
    one = loop(tmp_path, steps=40, warmup=4, lr=1e-3)
    one.state.stability.rate = 0.25
    step = next(one.steps())
    assert step.lr == pytest.approx(0.25 * learning_rate(1, 40, one.options))
    assert step.lr == pytest.approx(0.25 * 1e-3 / 4)
    assert {group["lr"] for group in one.state.optimizer.param_groups} == {step.lr}


@pytest.mark.filterwarnings("ignore:the loss is:UserWarning")
@pytest.mark.parametrize("bad", ["loss", "gradient"])
def test_a_loss_or_gradient_that_is_no_number_changes_nothing(tmp_path, bad):
    one = loop(tmp_path)
    loss = one.gathered(1, 1)
    before = {name: p.clone() for name, p in one.state.model.named_parameters()}
    if bad == "loss":
        loss = loss * math.nan
    else:
        one.state.model.enter.bias.grad[0] = math.inf
    assert math.isnan(one.apply(loss, 1e-3))
    assert [n for n, p in one.state.model.named_parameters() if not torch.equal(p, before[n])] == []
    assert (one.state.ema.n, one.state.step) == (0, 1)


@pytest.mark.slow
def test_two_seeds_train_on_other_timesteps_and_noise(tmp_path):
    losses = []
    for i, seed in enumerate((0, 0, 1)):
        one = loop(tmp_path / str(i), seed=seed)
        with torch.no_grad():
            for parameter in one.state.model.parameters():
                parameter.fill_(0.05)
        one.data.pixels[:] = 200  # whichever pictures it takes: only the draws may differ
        one.data.embeddings[:] = one.data.embeddings[0]
        losses.append(one.gathered(1, 1).item())
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.slow
def test_the_held_out_loss_is_that_of_the_average_without_dropout(tmp_path):
    one = loop(tmp_path, dropout=0.5)
    first = one.measured()[0]
    assert one.measured()[0] == first, "dropout would differ"
    with torch.no_grad():
        for parameter in one.state.model.parameters():
            parameter.mul_(1.5)
    moved = {name: p.clone() for name, p in one.state.model.named_parameters()}
    assert one.measured()[0] == first, "weights that nobody paints with do not count"
    assert [n for n, p in one.state.model.named_parameters() if not torch.equal(p, moved[n])] == []
    assert one.state.model.training, "training goes on with dropout"
    one.state.ema.register()
    assert one.measured()[0] != first


@pytest.mark.slow
def test_a_model_without_conditions_is_measured_without_them(tmp_path):
    one = loop(tmp_path, c_drop_prob=1.0)
    first = one.measured()[0]
    with torch.no_grad():
        one.state.model.context.mlp[0].weight.mul_(3)
    one.state.ema.register()
    assert one.measured()[0] == first
    with torch.no_grad():
        one.state.model.context.null.add_(1)
    one.state.ema.register()
    assert one.measured()[0] != first
