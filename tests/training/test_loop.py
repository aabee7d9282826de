"""A training stops and goes on to the bit, refuses nonsense, and says how it does."""

import json
import math
import warnings

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.build import build_ddpm
from ddpm_clip.conditioning import Conditioner
from ddpm_clip.config import Config, TrainingConfig
from ddpm_clip.errors import NonFiniteError
from ddpm_clip.generation import TextToImage
from ddpm_clip.run import Run
from ddpm_clip.training.loop import Prepared, _Loop, start_state, total_steps, train
from ddpm_clip.training.samples import write_samples
from ddpm_clip.training.state import learning_rate

CLOCKS = ("seconds", "images_per_second")


def prepared(flip=False, n=24):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (n, 3, 2, 2), dtype=np.uint8)
    pixels = coarse.repeat(4, axis=2).repeat(4, axis=3)
    generator = torch.Generator().manual_seed(0)
    e, turned = F.normalize(torch.randn(2, n, 6, generator=generator), dim=2)
    heldout = np.array([3, 7, 11])
    conditioner = Conditioner.fit(e, e[:5])
    return Prepared(pixels, e, conditioner, heldout, turned if flip else None)


def config(dropout=0.0, arch="unet", **training):
    training = {
        "steps": 10, "batch_size": 6, "checkpoint_every": 100, "heldout_every": 4, "warmup": 3,
        "dtype": "float32", "device": "cpu", "lr": 1e-3, **training,
    }  # fmt: skip
    return Config.model_validate({
        "model": {"arch": arch, "down_chs": (8, 16, 16), "blocks": 1, "stem": 1, "t_embed_dim": 8,
                  "dropout": dropout},
        "diffusion": {"timesteps": 100},
        "data": {"image_size": 8, "channels": 3},
        "training": training,
    })  # fmt: skip


def trained(folder, settings, data, stop=None):
    """Train in `folder`, leaving after step `stop` as a consumer does."""
    run = Run.create(folder, settings)
    with run.writing():
        steps = train(run, data)
        for step in steps:
            if step.step == stop:
                break
        steps.close()
    return run


def everything(run):
    """All that a checkpoint holds, and the history without its clocks."""
    checkpoint = run.load()
    history = [{k: v for k, v in row.items() if k not in CLOCKS} for row in run.history()]
    tensors = {(g, k): v for g, group in checkpoint.tensors.items() for k, v in group.items()}
    return checkpoint.step, checkpoint.state, tensors, history


def assert_the_same(one, other):
    (step_a, state_a, tensors_a, history_a), (step_b, state_b, tensors_b, history_b) = one, other
    assert step_a == step_b
    assert state_a == state_b
    assert tensors_a.keys() == tensors_b.keys()
    assert [k for k in tensors_a if not torch.equal(tensors_a[k], tensors_b[k])] == []
    assert history_a == history_b


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"channels_last": False},
        {"dropout": 0.3},
        {"accumulation": 2},
        {"accumulation": 4, "dropout": 0.2},
        {"dtype": "bfloat16"},
        {"optimizer": "muon"},
        {"arch": "course_unet"},
    ],
    ids=str,
)
def test_ten_steps_equal_five_and_five_more_to_the_bit(tmp_path, settings):
    settings, data = config(**settings), prepared(flip=bool(settings))
    whole = trained(tmp_path / "whole", settings, data)
    trained(tmp_path / "parts", settings, data, stop=5)
    torch.manual_seed(99)  # whatever happened in between
    parts = trained(tmp_path / "parts", settings, data)
    assert_the_same(everything(whole), everything(parts))
    assert everything(whole)[0] == 10


def test_a_run_stopped_at_every_step_equals_an_unbroken_one(tmp_path):
    settings, data = config(dropout=0.1, steps=4), prepared()
    whole = trained(tmp_path / "whole", settings, data)
    for stop in (1, 2, 3, 4):
        parts = trained(tmp_path / "parts", settings, data, stop)
    assert_the_same(everything(whole), everything(parts))


def test_two_runs_of_one_seed_are_equal_and_of_two_seeds_are_not(tmp_path):
    data = prepared()
    runs = [
        trained(tmp_path / str(i), config(steps=3, seed=s), data) for i, s in enumerate((0, 0, 1))
    ]
    assert_the_same(everything(runs[0]), everything(runs[1]))
    assert everything(runs[0])[3] != everything(runs[2])[3]


def test_accumulation_changes_nothing_but_rounding(tmp_path):
    data = prepared()
    runs = [trained(tmp_path / str(k), config(steps=3, accumulation=k), data) for k in (1, 6)]
    losses = torch.tensor([[row["loss"] for row in run.history()] for run in runs])
    assert torch.allclose(losses[:1].expand_as(losses), losses, rtol=1e-4)


def test_resuming_a_finished_run_takes_no_step_and_changes_nothing(tmp_path):
    settings, data = config(steps=3), prepared()
    before = everything(trained(tmp_path, settings, data))
    run = Run.open(tmp_path)
    assert list(train(run, data)) == []
    assert_the_same(before, everything(run))


def test_a_longer_run_goes_on_from_a_shorter_one(tmp_path):
    data = prepared()
    trained(tmp_path, config(steps=3), data)
    run = trained(tmp_path, config(steps=5), data)
    assert [row["step"] for row in run.history()] == [1, 2, 3, 4, 5]


def test_lines_that_a_crash_left_in_the_history_come_only_once(tmp_path):
    settings, data = config(steps=4), prepared()
    run = trained(tmp_path, settings, data, stop=2)
    rows = run.history()
    with open(run.history_path, "a", encoding="utf-8") as file:
        file.write(json.dumps({**rows[-1], "step": 3}) + "\n" + '{"step": 4, "lo')
    run = trained(tmp_path, settings, data)
    assert [row["step"] for row in run.history()] == [1, 2, 3, 4]


def test_a_crash_before_the_first_checkpoint_leaves_no_lines_behind(tmp_path):
    settings, data = config(steps=2), prepared()
    run = Run.create(tmp_path, settings)
    run.history_path.write_text('{"step": 1, "loss": 9.0}\n', encoding="utf-8")
    run = trained(tmp_path, settings, data)
    assert [row["step"] for row in run.history()] == [1, 2]


def test_a_truncated_newest_checkpoint_is_passed_over_and_done_again(tmp_path):
    settings, data = config(checkpoint_every=5), prepared()
    whole = everything(trained(tmp_path, settings, data))
    newest = tmp_path / "checkpoints" / "step-000010" / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="damaged"):
        run = trained(tmp_path, settings, data)
    assert_the_same(whole, everything(run))


def test_a_loss_that_is_no_number_stops_the_training_and_spoils_no_checkpoint(tmp_path):
    data = prepared()
    data.embeddings[15] = float("nan")  # one spoilt row, met sooner or later
    run = Run.create(tmp_path, config(checkpoint_every=1, steps=10))
    with run.writing(), pytest.raises(NonFiniteError, match="the loss is nan at step") as refused:
        list(train(run, data))
    assert refused.value.exit_code == 70
    assert "training.lr" in refused.value.fix
    checkpoint = run.load()
    assert checkpoint.step == len(run.history())
    for group in ("model", "ema", "optimizer"):
        assert all(v.isfinite().all() for v in checkpoint.tensors[group].values())


def test_weights_stay_finite_when_the_loss_explodes_late(tmp_path):
    """The refusal comes before the step: the newest checkpoint is the last sound state."""
    data = prepared()
    run = Run.create(tmp_path, config(steps=6, checkpoint_every=1))
    with run.writing():
        steps = train(run, data)
        next(steps)
        next(steps)
        data.pixels[:] = 0
        data.embeddings[:] = float("inf")
        with pytest.raises(NonFiniteError):
            next(steps)
    checkpoint = run.load()
    assert checkpoint.step == 2
    assert all(v.isfinite().all() for v in checkpoint.tensors["model"].values())


def test_history_and_the_held_out_loss_say_how_it_goes(tmp_path):
    run = trained(tmp_path, config(steps=10, heldout_every=4), prepared())
    rows = run.history()
    assert [row["step"] for row in rows if row["heldout_loss"] is not None] == [4, 8, 10]
    for row in rows:
        assert math.isfinite(row["loss"])
        assert row["epoch"] == pytest.approx(row["step"] * 6 / 21)
        assert row["images_per_second"] > 0
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)


def test_the_held_out_loss_is_fixed_and_measured_on_averaged_weights(tmp_path):
    data = prepared()
    run = Run.create(tmp_path, config(steps=2, lr=0.0, heldout_every=1, warmup=0))
    state = start_state(run, data.conditioner.width, torch.device("cpu"))
    with torch.no_grad():
        for parameter in state.model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    with run.writing():
        losses = [step.heldout_loss for step in train(run, data, state)]
    # The average forgets its start at the first update; with lr = 0 the weights stand still.
    assert losses[0] == losses[1]


def test_heldout_pictures_are_never_trained_on():
    data = prepared()
    assert set(data.rows).isdisjoint(data.heldout)
    assert len(data.rows) + len(data.heldout) == len(data.pixels)


def test_without_heldout_pictures_there_is_no_heldout_loss(tmp_path):
    data = prepared()
    data = Prepared(data.pixels, data.embeddings, data.conditioner, np.array([], dtype=int))
    run = trained(tmp_path, config(steps=4), data)
    assert {row["heldout_loss"] for row in run.history()} == {None}


def test_the_loss_falls_on_a_small_set(tmp_path):
    run = trained(tmp_path, config(steps=40, lr=5e-3), prepared())
    losses = [row["loss"] for row in run.history()]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


def test_one_picture_is_enough_to_train_on(tmp_path):
    data = prepared()
    e, nobody = data.embeddings[:1], np.array([], dtype=int)
    one = Prepared(data.pixels[:1], e, Conditioner.fit(e, e[:0]), nobody)
    run = trained(tmp_path, config(steps=2), one)
    assert all(math.isfinite(row["loss"]) for row in run.history())


def test_the_element_dropout_ablation_trains(tmp_path):
    settings = config(steps=2)
    conditioning = settings.conditioning.model_copy(update={"c_drop_mode": "element"})
    run = trained(tmp_path, settings.model_copy(update={"conditioning": conditioning}), prepared())
    assert all(math.isfinite(row["loss"]) for row in run.history())


def test_a_checkpoint_is_loaded_without_a_warning(tmp_path):
    run = trained(tmp_path, config(steps=2), prepared())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run.load().step == 2


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
    assert max(rates(steps=5, lr=1.0, warmup=200)) == pytest.approx(5 / 200 * 1.0, rel=0.6)


def test_without_warm_up_and_decay_the_rate_is_constant():
    assert set(rates(lr=0.5, warmup=0, decay=0.0)) == {0.5}


def test_epochs_take_the_place_of_steps():
    assert total_steps(config(), 21) == 10
    assert total_steps(config(epochs=2), 21) == 7


def test_a_batch_goes_to_the_device_and_its_rows_stay_in_float64_on_the_cpu(tmp_path):
    """Not every device has float64, and the schedule is looked up on the CPU."""
    data, place = prepared(flip=True), torch.device("meta")
    run = Run.create(tmp_path, config())
    state = start_state(run, data.conditioner.width, torch.device("cpu"))
    loop = _Loop(run, data, state, build_ddpm(run.config.diffusion, place), place)
    x_0, c, c_mask, t, eps = loop.batch(0, torch.Generator().manual_seed(0))
    assert {part.device for part in (x_0, c, c_mask, eps)} == {place}
    assert (t.device.type, t.dtype) == ("cpu", torch.float64)


def test_samples_are_painted_on_the_device_of_the_training(tmp_path, monkeypatch):
    run, asked = Run.create(tmp_path, config(device="mps")), []
    monkeypatch.setattr(TextToImage, "from_pretrained", lambda *given: asked.extend(given))
    with pytest.raises(AttributeError):
        write_samples(run, 1)
    assert asked == [str(tmp_path), "mps"]
