"""`evaluate`: one command to a report, and the verdict on what can be typed."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

from ddpm_clip.data.local.drawn_flowers import FACTS
from ddpm_clip.evaluation.judge.network import JudgeNet

ALL = {"success", "retrieval", "distances", "diversity", "copies", "two_sample", "transfer"}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DDPM_CLIP_DATA", raising=False)


@pytest.fixture
def judge(tmp_path):
    """Of the shape of the run's pictures; it has learned nothing."""
    torch.manual_seed(0)
    JudgeNet({"species": FACTS["species"]}, 3, 16, 8).save(tmp_path / "judge", card={})
    return tmp_path / "judge"


@pytest.mark.slow
def test_a_run_is_measured_in_every_way_that_it_can_be(cli, run, judge):
    ended = cli("evaluate", run, "-n", 2, "--judge", judge, "--out", "report")
    assert ended.code == 0, ended.err
    assert ended.out == "report/evaluation.html\n"
    facts = json.loads(Path("report/evaluation.json").read_text(encoding="utf-8"))
    assert set(facts["parts"]) | set(facts["not_measured"]) == ALL
    assert not set(facts["parts"]) & set(facts["not_measured"])
    assert {"success", "distances", "copies"} <= set(facts["parts"])
    assert list(facts["not_measured"]) == ["retrieval"]
    assert facts["painted"]["n"] == 2
    assert "not measured: Retrieval" in ended.err
    with Image.open("report/nearest.png") as sheet:
        assert sheet.width > 100


@pytest.mark.slow
def test_a_model_without_words_is_asked_for_nothing(cli, run, judge, tmp_path):
    wordless = tmp_path / "wordless"
    shutil.copytree(run, wordless)
    config = yaml.safe_load((wordless / "config.yaml").read_text(encoding="utf-8"))
    config["generation"]["unconditional"] = True
    (wordless / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    ended = cli("evaluate", wordless, "-n", 4, "--judge", judge, "--json")
    facts = json.loads(ended.out)
    assert [one["prompt"] for one in facts["prompts"]] == ["(without words)"]
    (told,) = facts["parts"]["success"]["figures"]
    assert (told["name"], told["n"]) == ("not rejected by the judge", 4)
    assert {"diversity", "copies"} <= set(facts["parts"])
    assert {"retrieval", "transfer"} <= set(facts["not_measured"])
    Path("asked.txt").write_text("rose\n")
    refused = cli("evaluate", wordless, "-n", 1, "--prompts", "asked.txt", "--out", "other")
    assert refused.code == 2
    assert "paints without words" in refused.err


@pytest.mark.slow
def test_the_same_request_finds_the_same(cli, run, judge):
    words = ("evaluate", run, "-n", 1, "--judge", judge, "--json", "--prompts", "asked.txt")
    Path("asked.txt").write_text("rose\tspecies=rose\ntulip\tspecies=tulip\n")
    first, second = (json.loads(cli(*words, "--out", out).out) for out in ("a", "b"))
    assert first["parts"]["success"] == second["parts"]["success"]
    assert first["schema_version"] == 1
    assert [one["prompt"] for one in first["prompts"]] == ["rose", "tulip"]


@pytest.mark.slow
def test_a_judge_is_trained_where_there_are_labels_and_minutes_are_kept_to(cli, run):
    facts = json.loads(cli("evaluate", run, "--minutes", 0.01, "--json").out)
    assert facts["parts"]["success"]["detail"]["judge"]["kind"] == "trained for this evaluation"
    assert facts["painted"]["pictures"] == 1
    for late in ("two_sample", "transfer"):
        assert "too little of the given time" in facts["not_measured"][late]["why"]


@pytest.mark.slow
def test_a_shipped_model_is_measured_where_its_pictures_are_not(cli):
    Path("asked.txt").write_text("a six\tdigit=six\na nine\tdigit=nine\n")
    ended = cli("evaluate", "digits", "-n", 2, "--steps", 3, "--prompts", "asked.txt", "--json")
    facts = json.loads(ended.out)
    assert facts["parts"]["success"]["figures"][0]["n"] == 4
    assert "not on this machine" in facts["not_measured"]["distances"]["why"]
    assert "not on this machine" in facts["not_measured"]["copies"]["why"]


@pytest.mark.slow
def test_an_earlier_report_is_kept_unless_it_may_go(cli, run, judge):
    Path("evaluation").mkdir()
    Path("evaluation/evaluation.json").write_text("{}")
    ended = cli("evaluate", run, "-n", 1, "--judge", judge)
    assert ended.code == 73
    assert "--overwrite" in ended.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("-n", "2", "--minutes", "1"), 2, "both given"),
        (("-n", "0"), 2, "n = 0"),
        (("--minutes", "0"), 2, "minutes = 0"),
        (("--minutes", "nan"), 2, "minutes"),
        (("--guidance", "1,2"), 2, "2 guidance scales"),
        (("--steps", "0"), 2, "steps"),
        (("--steps", "2000"), 2, "steps"),
        (("--prompts", "nowhere.txt"), 66, "nowhere.txt"),
        (("--judge", "nowhere"), 66, "nowhere"),
        (("--clip", "nowhere"), 66, "nowhere"),
        (("--against", "./nowhere"), 66, "nowhere"),
    ],
)
def test_a_slip_is_told_before_anything_is_painted(cli, run, words, code, said):
    ended = cli("evaluate", run, *words)
    assert ended.code == code, ended.err
    assert said in ended.err
    assert ended.out == ""
    assert "paint" not in ended.err


def test_a_fact_that_the_judge_cannot_read_is_told_at_once(cli, run, judge):
    Path("asked.txt").write_text("rose\tsmell=sweet\n")
    ended = cli("evaluate", run, "-n", 1, "--judge", judge, "--prompts", "asked.txt")
    assert ended.code == 2
    assert "smell" in ended.err


@pytest.mark.slow
def test_the_clip_that_conditions_is_refused(cli):
    ended = cli("evaluate", "digits", "-n", 1, "--clip", "digits")
    assert ended.code == 2
    assert "conditions this model" in ended.err
