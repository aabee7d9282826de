"""A training stops and goes on to the bit, refuses nonsense, and says how it does."""

import json
import math
import shutil
import warnings

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.build import build_ddpm
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.config.schema import Config
from ddpm_clip.errors import StorageError
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import Prepared, _Loop, start_state, train
from ddpm_clip.training.samples import write_samples
from ddpm_clip.training.steps.batches import Batch
from ddpm_clip.training.steps.size import total_steps
from ddpm_clip.training.steps.surroundings import report_changes, surroundings

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
        "steps": 10,
        "batch_size": 6,
        "checkpoint_every": 100,
        "heldout_every": 4,
        "warmup": 3,
        "dtype": "float32",
        "device": "cpu",
        "lr": 1e-3,
        **training,
    }
    return Config.model_validate(
        {
            "model": {
                "arch": arch,
                "down_chs": (8, 16, 16),
                "blocks": 1,
                "stem": 1,
                "t_embed_dim": 8,
                "dropout": dropout,
            },
            "diffusion": {"timesteps": 100},
            "data": {"image_size": 8, "channels": 3},
            "training": training,
        }
    )


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_run_stopped_at_every_step_equals_an_unbroken_one(tmp_path):
    settings, data = config(dropout=0.1, steps=4), prepared()
    whole = trained(tmp_path / "whole", settings, data)
    for stop in (1, 2, 3, 4):
        parts = trained(tmp_path / "parts", settings, data, stop)
    assert_the_same(everything(whole), everything(parts))


@pytest.mark.slow
def test_two_runs_of_one_seed_are_equal_and_of_two_seeds_are_not(tmp_path):
    data = prepared()
    runs = [
        trained(tmp_path / str(i), config(steps=3, seed=s), data) for i, s in enumerate((0, 0, 1))
    ]
    assert_the_same(everything(runs[0]), everything(runs[1]))
    assert everything(runs[0])[3] != everything(runs[2])[3]


@pytest.mark.slow
def test_accumulation_changes_nothing_but_rounding(tmp_path):
    data = prepared()
    runs = [trained(tmp_path / str(k), config(steps=3, accumulation=k), data) for k in (1, 6)]
    losses = torch.tensor([[row["loss"] for row in run.history()] for run in runs])
    assert torch.allclose(losses[:1].expand_as(losses), losses, rtol=1e-4)


@pytest.mark.slow
def test_resuming_a_finished_run_takes_no_step_and_changes_nothing(tmp_path):
    settings, data = config(steps=3), prepared()
    before = everything(trained(tmp_path, settings, data))
    run = Run.open(tmp_path)
    assert list(train(run, data)) == []
    assert_the_same(before, everything(run))


@pytest.mark.slow
def test_a_longer_run_goes_on_from_a_shorter_one(tmp_path):
    data = prepared()
    trained(tmp_path, config(steps=3), data)
    run = trained(tmp_path, config(steps=5), data)
    assert [row["step"] for row in run.history()] == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_lines_that_a_crash_left_in_the_history_come_only_once(tmp_path):
    settings, data = config(steps=4), prepared()
    run = trained(tmp_path, settings, data, stop=2)
    rows = run.history()
    with open(run.history_path, "a", encoding="utf-8") as file:
        file.write(json.dumps({**rows[-1], "step": 3}) + "\n" + '{"step": 4, "lo')
    run = trained(tmp_path, settings, data)
    assert [row["step"] for row in run.history()] == [1, 2, 3, 4]


@pytest.mark.slow
def test_a_crash_before_the_first_checkpoint_leaves_no_lines_behind(tmp_path):
    settings, data = config(steps=2), prepared()
    run = Run.create(tmp_path, settings)
    run.history_path.write_text('{"step": 1, "loss": 9.0}\n', encoding="utf-8")
    run = trained(tmp_path, settings, data)
    assert [row["step"] for row in run.history()] == [1, 2]


@pytest.mark.slow
def test_a_truncated_newest_checkpoint_is_passed_over_and_done_again(tmp_path):
    settings, data = config(checkpoint_every=5), prepared()
    whole = everything(trained(tmp_path, settings, data))
    newest = tmp_path / "checkpoints" / "step-000010" / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="damaged"):
        run = trained(tmp_path, settings, data)
    assert_the_same(whole, everything(run))


def test_a_run_without_room_for_checkpoints_takes_no_step(tmp_path, monkeypatch):
    run = Run.create(tmp_path, config())
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with run.writing(), pytest.raises(StorageError, match="cannot write the checkpoints"):
        next(train(run, prepared()))
    assert run.history() == []


@pytest.mark.slow
@pytest.mark.parametrize("failing", ["append_history", "save"])
def test_a_disk_that_fills_up_stops_the_training_with_the_last_checkpoint_intact(
    tmp_path, monkeypatch, failing
):
    settings, data = config(steps=6, checkpoint_every=2), prepared()
    whole = everything(trained(tmp_path / "whole", settings, data))
    run, asked = Run.create(tmp_path / "run", settings), []

    def full(*_, **__):
        asked.append(1)
        raise StorageError("cannot write", "No space left on device")

    with run.writing():
        steps = train(run, data)
        assert [next(steps).step, next(steps).step] == [1, 2]
        monkeypatch.setattr(run, failing, full)
        with pytest.raises(StorageError, match="cannot write"):
            list(steps)
    assert len(asked) == 1, "what failed a moment ago is not tried again"
    assert run.load().step == 2
    assert_the_same(whole, everything(trained(tmp_path / "run", settings, data)))


@pytest.mark.slow
def test_an_interruption_between_weights_and_their_average_saves_neither(tmp_path, monkeypatch):
    """As Ctrl-C may in a program that has no handler: a state of two steps must not be saved."""
    settings, data = config(steps=6, checkpoint_every=2), prepared()
    whole = everything(trained(tmp_path / "whole", settings, data))
    run = Run.create(tmp_path / "run", settings)
    state = start_state(run, data.conditioner.width, torch.device("cpu"))
    update, calls = state.ema.update, []

    def interrupted():
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        update()

    monkeypatch.setattr(state.ema, "update", interrupted)
    with run.writing(), pytest.raises(KeyboardInterrupt):
        list(train(run, data, state))
    assert run.checkpoint_steps() == [2]
    assert_the_same(whole, everything(trained(tmp_path / "run", settings, data)))


@pytest.mark.slow
def test_the_note_on_the_best_checkpoint_follows_the_checkpoint(tmp_path):
    """A crash may come between the two."""
    settings, data = config(steps=6, checkpoint_every=2), prepared()
    run = trained(tmp_path, settings, data, stop=4)
    best = run.best_step()
    assert best is not None
    run.note_best(1)
    trained(tmp_path, settings, data, stop=5)
    assert run.best_step() == best


@pytest.mark.slow
def test_going_on_with_other_threads_is_told(tmp_path):
    settings, data = config(steps=4), prepared()
    run = trained(tmp_path, settings, data, stop=2)
    path = run.checkpoint_path(2)
    state = json.loads((path / "state.json").read_text())
    assert (state["threads"], state["device"], state["dtype"]) == (1, "cpu", "float32")
    now = surroundings(torch.device("cpu"), torch.float32)
    with pytest.warns(UserWarning, match="threads was 8, now 1.*bit-identical"):
        report_changes(state | {"threads": 8}, now)
    report_changes(state, now)
    report_changes({}, now)  # a checkpoint from before these were noted


@pytest.mark.slow
def test_history_and_the_held_out_loss_say_how_it_goes(tmp_path):
    run = trained(tmp_path, config(steps=10, heldout_every=4), prepared())
    rows = run.history()
    assert [row["step"] for row in rows if row["heldout_loss"] is not None] == [4, 8, 10]
    for row in rows:
        assert math.isfinite(row["loss"])
        assert row["epoch"] == pytest.approx(row["step"] * 6 / 21)
        assert row["images_per_second"] > 0
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)


@pytest.mark.slow
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


@pytest.mark.slow
def test_without_heldout_pictures_there_is_no_heldout_loss(tmp_path):
    data = prepared()
    data = Prepared(data.pixels, data.embeddings, data.conditioner, np.array([], dtype=int))
    run = trained(tmp_path, config(steps=4), data)
    assert {row["heldout_loss"] for row in run.history()} == {None}


@pytest.mark.slow
def test_the_loss_falls_on_a_small_set(tmp_path):
    run = trained(tmp_path, config(steps=40, lr=5e-3), prepared())
    losses = [row["loss"] for row in run.history()]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


@pytest.mark.slow
def test_one_picture_is_enough_to_train_on(tmp_path):
    data = prepared()
    e, nobody = data.embeddings[:1], np.array([], dtype=int)
    one = Prepared(data.pixels[:1], e, Conditioner.fit(e, e[:0]), nobody)
    with pytest.warns(
        UserWarning, match="larger than the number of training pictures, 1; a batch has 1"
    ):
        run = trained(tmp_path, config(steps=2), one)
    assert [math.isfinite(row["loss"]) for row in run.history()] == [True, True]


@pytest.mark.slow
def test_a_batch_of_more_than_all_pictures_is_one_of_all_pictures(tmp_path):
    data = prepared()
    n = len(data.rows)
    with pytest.warns(UserWarning, match=f"a batch has {n}"):
        cut = trained(tmp_path / "cut", config(steps=2, batch_size=10 * n), data)
    plain = trained(tmp_path / "plain", config(steps=2, batch_size=n), data)
    assert [row["loss"] for row in cut.history()] == [row["loss"] for row in plain.history()]
    assert total_steps(config(epochs=3, batch_size=10 * n), n) == 3


@pytest.mark.slow
def test_the_element_dropout_ablation_trains(tmp_path):
    settings = config(steps=2)
    conditioning = settings.conditioning.model_copy(update={"c_drop_mode": "element"})
    run = trained(tmp_path, settings.model_copy(update={"conditioning": conditioning}), prepared())
    assert [math.isfinite(row["loss"]) for row in run.history()] == [True, True]


@pytest.mark.slow
def test_a_checkpoint_is_loaded_without_a_warning(tmp_path):
    run = trained(tmp_path, config(steps=2), prepared())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run.load().step == 2


# Lengths and batches


def test_epochs_take_the_place_of_steps():
    assert total_steps(config(), 21) == 10
    assert total_steps(config(epochs=2), 21) == 7


def test_a_batch_goes_to_the_device_and_its_rows_stay_in_float64_on_the_cpu(tmp_path):
    """Not every device has float64, and the schedule is looked up on the CPU."""
    data, place = prepared(flip=True), torch.device("meta")
    run = Run.create(tmp_path, config())
    state = start_state(run, data.conditioner.width, torch.device("cpu"))
    loop = _Loop(run, data, state, build_ddpm(run.config.diffusion, place), place)
    batch = loop.batches.of(0, torch.Generator().manual_seed(0))
    assert {part.device for part in (batch.x_0, batch.c, batch.c_mask, batch.eps)} == {place}
    assert (batch.t.device.type, batch.t.dtype) == ("cpu", torch.float64)


def test_rows_of_a_batch_are_a_batch_of_those_pictures(tmp_path):
    data, place = prepared(), torch.device("cpu")
    run = Run.create(tmp_path, config())
    state = start_state(run, data.conditioner.width, place)
    loop = _Loop(run, data, state, build_ddpm(run.config.diffusion, place), place)
    batch = loop.batches.of(0, torch.Generator().manual_seed(0))
    some = batch.rows(torch.tensor([2, 0]))
    assert (len(batch), len(some)) == (loop.options.batch_size, 2)
    for name in Batch.__slots__:
        whole, part = getattr(batch, name), getattr(some, name)
        assert torch.equal(part, torch.stack([whole[2], whole[0]])), name


def test_samples_are_painted_on_the_device_of_the_training(tmp_path, monkeypatch):
    class Opened(Exception):
        """Ends the painting once the model would be opened."""

    def opened(*given):
        raise Opened(*given)

    run = Run.create(tmp_path, config(device="mps"))
    monkeypatch.setattr(TextToImage, "from_pretrained", opened)
    with pytest.raises(Opened) as asked:
        write_samples(run, 1)
    assert asked.value.args == (str(tmp_path), "mps")
    assert not (tmp_path / "samples").exists()
