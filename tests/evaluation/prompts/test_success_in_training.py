"""Prompt success as a curve: measured on the way by a judge that fits, refused without one."""

import json

import pytest

from ddpm_clip.config.resolve import resolve
from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.prompts.in_training import PICTURES, SuccessMeter


def config(**flags):
    dotted = {name.replace("__", "."): value for name, value in flags.items()}
    return resolve(flags={"training.success_every": 10, **dotted}, environ={})[0]


DIGITS = {"data__image_size": 28, "data__channels": 1}


def test_it_is_off_unless_asked_for():
    assert SuccessMeter.of(config(training__success_every=0)) is None


def test_the_judge_of_the_shipped_words_is_found_and_asks_what_it_can_read():
    meter = SuccessMeter.of(config(embedder__model="digits", **DIGITS))
    assert meter.name == "digits"
    assert {case.facts["digit"] for case in meter.cases} == set(meter.judge.attributes["digit"])
    assert len(meter.cases) <= PICTURES
    named = SuccessMeter.of(config(training__judge="digits", **DIGITS))
    assert named.cases == meter.cases


def test_without_a_judge_or_with_one_of_another_size_it_is_refused():
    with pytest.raises(UsageError, match="without a judge"):
        SuccessMeter.of(config())
    with pytest.raises(UsageError, match="without a judge"):
        SuccessMeter.of(config(training__judge="nowhere"))
    with pytest.raises(UsageError, match="does not fit the pictures"):
        SuccessMeter.of(config(training__judge="digits"))


@pytest.mark.slow
def test_a_training_measures_success_at_its_checkpoints(tmp_path, monkeypatch, cli):
    monkeypatch.setattr("ddpm_clip.evaluation.prompts.in_training.PICTURES", 20)
    keys = {
        "model.down_chs": "[8,16]",
        "model.blocks": 1,
        "model.attention": 0,
        "data.image_size": 28,
        "data.channels": 1,
        "embedder.model": "digits",
        "training.batch_size": 8,
        "training.success_every": 2,
        "training.checkpoint_every": 2,
        "training.heldout_every": 2,
        "training.sample_every": 0,
        "data.heldout": 4,
        "generation.steps": 1,
    }
    words = [word for key, value in keys.items() for word in ("--set", f"{key}={value}")]
    run = tmp_path / "run"
    ended = cli("train", "drawn-flowers:40", "--steps", 4, "--no-animation", "--out", run, *words)
    assert ended.code == 0, ended.err
    rows = [json.loads(line) for line in (run / "success.jsonl").read_text().splitlines()]
    assert [(row["step"], row["n"], row["judge"]) for row in rows] == [
        (2, 20, "digits"),
        (4, 20, "digits"),
    ]
    assert all(0 <= row["low"] <= row["share"] <= row["high"] <= 1 for row in rows)
    assert (run / "heldout.png").is_file()
    words = ("--set", "training.success_every=2", "--set", "embedder.name=labels", "--steps", 2)
    bare = cli("train", "drawn-flowers:40", "--out", tmp_path / "bare", *words)
    assert bare.code == 2
    assert "without a judge" in bare.err
    assert not (tmp_path / "bare" / "config.yaml").exists()
