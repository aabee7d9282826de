"""A step with NaN is skipped, then the rate is lowered, then training stops; never saved."""

import json
import math

import pytest
import torch

from ddpm_clip.errors import NonFiniteError
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import start_state, train
from ddpm_clip.training.steps.stability import LOWERINGS, SKIPS, BadStep, Stability
from tests.training.test_loop import config, everything, prepared, trained

BAD = BadStep(7, 1e-3, "nan", "inf", ["a.png"])
pytestmark = pytest.mark.filterwarnings("ignore:the loss is:UserWarning")


def spoilt(run, **at):
    """Data whose embeddings are no numbers in the steps `at`, and a hand to spoil them by."""
    data = prepared()
    sound = data.embeddings.clone()

    def spoil(bad):
        data.embeddings[:] = float("nan") if bad else sound

    return data, spoil


def followed(run, bad_steps, stop=None):
    """Train with NaN in some steps; the steps that came."""
    data, spoil = spoilt(run)
    seen = []
    with run.writing():
        steps = train(run, data)
        spoil(1 in bad_steps)
        for step in steps:
            seen.append(step)
            if step.step == stop:
                break
            spoil(step.step + 1 in bad_steps)
        steps.close()
    return seen


def test_first_steps_are_left_out_then_the_rate_is_halved_then_it_stops():
    stability = Stability()
    for _ in range(SKIPS):
        assert "skipped" in stability.stumbled(BAD)
        assert stability.rate == 1
    for k in range(LOWERINGS):
        assert f"{0.5 ** (k + 1):g} of the planned" in stability.stumbled(BAD)
    with pytest.raises(NonFiniteError, match="the loss is nan at step 7"):
        stability.stumbled(BAD)
    assert len(stability.streak) == SKIPS + LOWERINGS + 1


def test_a_good_step_ends_the_streak_and_keeps_the_lowered_rate():
    stability = Stability()
    for _ in range(SKIPS + 1):
        stability.stumbled(BAD)
    stability.went_well()
    assert stability == Stability(0, 0.5)
    assert Stability.of(stability.as_dict()) == stability
    assert Stability.of({}) == Stability()


@pytest.mark.slow
def test_one_bad_step_is_left_out_and_the_next_is_taken(tmp_path):
    run = Run.create(tmp_path, config(steps=5, checkpoint_every=1, heldout_every=100))
    with pytest.warns(UserWarning, match="nan at step 3.*skipped"):
        seen = followed(run, {3})
    assert [math.isnan(step.loss) for step in seen] == [False, False, True, False, False]
    rows = run.history()
    assert [row["loss"] is None for row in rows] == [False, False, True, False, False]
    assert "NaN" not in run.history_path.read_text()
    before, after = (run.load(step).tensors["model"] for step in (4, 5))
    assert any(not torch.equal(before[k], after[k]) for k in before), "it goes on learning"


@pytest.mark.slow
def test_nothing_of_a_bad_step_gets_into_weights_average_or_moments(tmp_path):
    run = Run.create(tmp_path, config(steps=9, checkpoint_every=1))
    followed(run, {3}, stop=3)
    before, after = (run.load(step) for step in (2, 3))
    for group in ("model", "ema", "optimizer"):
        ours, theirs = before.tensors[group], after.tensors[group]
        assert ours.keys() == theirs.keys()
        assert {k for k in ours if not torch.equal(ours[k], theirs[k])} <= {"rng"}


@pytest.mark.slow
def test_several_in_a_row_lower_the_rate_for_the_rest(tmp_path):
    run = Run.create(tmp_path, config(steps=9, warmup=0, decay=0.0))
    seen = followed(run, {2, 3, 4, 5, 6})
    assert [round(step.lr / 1e-3, 4) for step in seen] == [1, 1, 1, 1, 1, 0.5, 0.25, 0.25, 0.25]
    assert math.isfinite(seen[-1].loss)


@pytest.mark.slow
def test_in_the_end_it_stops_names_the_pictures_and_keeps_what_is_sound(tmp_path):
    run = Run.create(tmp_path, config(steps=20, checkpoint_every=1))
    with pytest.raises(NonFiniteError, match="the loss is nan at step 9") as refused:
        followed(run, set(range(3, 20)))
    assert refused.value.exit_code == 70
    assert "training.lr" in refused.value.fix
    report = json.loads((tmp_path / "nan_report.json").read_text())["steps"]
    assert [one["step"] for one in report] == list(range(3, 10))
    assert all(len(one["pictures"]) == 6 for one in report)
    for step in run.checkpoint_steps():
        for group in ("model", "ema", "optimizer"):
            assert all(v.isfinite().all() for v in run.load(step).tensors[group].values())


@pytest.mark.slow
def test_bad_steps_and_a_stop_in_between_end_in_the_same_bits(tmp_path):
    bad = {2, 3, 4, 5, 8}
    whole = Run.create(tmp_path / "whole", config(steps=10))
    followed(whole, bad)
    parts = Run.create(tmp_path / "parts", config(steps=10))
    followed(parts, bad, stop=4)
    data, spoil = spoilt(parts)
    with parts.writing():
        spoil(True)
        for step in train(parts, data):
            spoil(step.step + 1 in bad)
    one, other = everything(whole), everything(parts)
    assert one[1] == other[1]
    assert one[3] == other[3]
    assert all(torch.equal(one[2][k], other[2][k]) for k in one[2])


@pytest.mark.slow
def test_weights_that_are_no_numbers_are_never_saved(tmp_path):
    run = Run.create(tmp_path, config(steps=6, checkpoint_every=2, heldout_every=100))
    data = prepared()
    state = start_state(run, data.conditioner.width, torch.device("cpu"))
    with run.writing():
        steps = train(run, data, state)
        for _ in range(3):
            next(steps)
        torch.nn.init.constant_(next(iter(state.model.parameters())), float("inf"))
        with pytest.raises(NonFiniteError, match="NaN or infinite values at step 4"):
            next(steps)
    assert [row["step"] for row in run.history()] == [1, 2, 3, 4]
    assert run.checkpoint_steps() == [2]
    assert all(v.isfinite().all() for v in run.load().tensors["model"].values())


@pytest.mark.slow
def test_a_run_without_a_bad_step_writes_no_report(tmp_path):
    trained(tmp_path, config(steps=2), prepared())
    assert not (tmp_path / "nan_report.json").exists()
