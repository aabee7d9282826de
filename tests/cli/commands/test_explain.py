"""`explain`: one command to a report, and the verdict on what can be typed."""

import json
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_a_shipped_model_is_explained_and_the_page_is_named(cli):
    ended = cli(
        "explain",
        "digits",
        "a six",
        "--analyses",
        "trajectory",
        "--seeds",
        "0,5",
        "--steps",
        4,
        "--quick",
    )
    assert ended.code == 0, ended.err
    assert ended.out == "report/report.html\n"
    told = json.loads(Path("report/report.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in told["analyses"]] == ["trajectory"]
    assert (told["seeds"], told["steps"], told["guidance"]) == ([0, 5], 4, 2.0)
    assert told["about"]["judged_by"] == "the judge beside the model"
    assert "trajectory: " in ended.err
    again = cli("explain", "digits", "a six", "--analyses", "trajectory")
    assert (again.code, "E-EXISTS" in again.err) == (73, True)


@pytest.mark.slow
def test_a_run_without_a_judge_or_a_clip_is_told_what_cannot_be_tested(cli, run):
    ended = cli(
        "explain", run, "rose", "--analyses", "trajectory", "--seeds", "0-1", "--quick", "--json"
    )
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["analyses"][0]["verdict"] in ("fail", "inconclusive")
    assert told["about"]["judged_by"] is None
    assert told["schema_version"] == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--analyses", "trajektory"], 2, "did you mean 'trajectory'"),
        (["--analyses", ","], 2, "no analysis named"),
        (["--seeds", "5-1"], 2, "out of range"),
        (["--seeds", "0-999"], 2, "at most 256"),
        (["--seeds", "zero"], 2, "is not a seed"),
        (["--seeds", "0-200,300-500"], 2, "too many"),
        (["--guidance", "1,2"], 2, "2 guidance scales"),
        (["--guidance", "many"], 2, "is not a number"),
        (["--attribute", "colour"], 2, "no judge reads colour"),
        (["--words", " , "], 2, "no words to look for"),
        (["--words", "nowhere.txt"], 66, "no such file"),
    ],
)
def test_slips_are_told(cli, words, code, said):
    ended = cli("explain", "digits", "a six", *words)
    assert (ended.code, said in ended.err) == (code, True), ended.err
    assert not Path("report/report.json").exists()


def test_a_missing_model_is_missing_input(cli):
    assert cli("explain", "nowhere", "a six").code == 66
