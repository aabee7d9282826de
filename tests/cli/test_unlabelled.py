"""A run of whose pictures nothing is known: no labels, no captions, no prompts."""

import json
import shutil

import pytest

from ddpm_clip.data.local.drawn_flowers import write_folder

KNOWN = (
    "{data: {source: photos, image_size: 16, heldout: 0}, embedder: {name: mini_clip, model:"
    " flowers}, model: {down_chs: [16, 32], blocks: 1, t_embed_dim: 16, attention: 0},"
    " training: {steps: 2, batch_size: 8, sample_every: 0, animation: false},"
    " generation: {steps: 2}}"
)


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    """The folder of such a run, and the folder in which it was trained."""
    from ddpm_clip.cli.main import main

    home = tmp_path_factory.mktemp("unlabelled")
    write_folder(home / "drawn", 60, size=16, seed=1)
    (home / "photos").mkdir()
    for path in (home / "drawn").glob("*.png"):
        shutil.copy(path, home / "photos" / path.name)
    (home / "tiny.yaml").write_text(KNOWN.replace("photos", str(home / "photos")))
    words = ["-q", "train", "--config", str(home / "tiny.yaml"), "--out", str(home / "run")]
    assert main(words) == 0
    return home / "run"


@pytest.mark.slow
def test_evaluate_suggests_prompts_and_lets_the_clip_judge_and_says_so(cli, unlabelled, tmp_path):
    assert json.loads((unlabelled / "classes.json").read_text()) == {"classes": []}
    ended = cli("evaluate", unlabelled, "-n", 2, "--out", tmp_path / "report")
    assert ended.code == 0, ended.err
    told = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    success = told["parts"]["success"]
    figure = success["figures"][0]
    assert figure["name"] == "own prompt found, zero-shot by the CLIP that conditions the model"
    assert figure["n"] == 2 * len(success["more"])
    assert len(success["more"]) > 2
    hits = sum(one["value"] * one["n"] for one in success["more"])
    assert figure["value"] == pytest.approx(hits / figure["n"], abs=1e-3)
    for text in (ended.err, *success["notes"][:1]):
        assert "neither labels nor captions: its prompts were suggested" in text
    assert "judges its own work" in success["notes"][1]
    page = (tmp_path / "report" / "evaluation.html").read_text()
    assert "its prompts were suggested from its pictures" in page


@pytest.mark.slow
def test_evaluate_lets_another_clip_judge_if_one_is_named(cli, unlabelled, tmp_path):
    words = ("evaluate", unlabelled, "-n", 2, "--clip", "digits", "--out", tmp_path / "report")
    ended = cli(*words)
    assert ended.code == 0, ended.err
    success = json.loads((tmp_path / "report" / "evaluation.json").read_text())["parts"]["success"]
    assert "a CLIP that did not condition it" in success["figures"][0]["name"]
    assert not any("judges its own work" in note for note in success["notes"])


@pytest.mark.slow
def test_explain_tells_the_prompt_from_suggested_ones(cli, unlabelled, tmp_path):
    words = ("explain", unlabelled, "a red rose", "--quick", "--seeds", "0-3")
    ended = cli(*words, "--analyses", "trajectory,commitment", "--out", tmp_path / "report")
    assert ended.code == 0, ended.err
    assert "Not tested" not in ended.err.split("commitment:")[0]
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    text = json.dumps(report)
    assert "zero-shot: this prompt among 9 others, suggested from the pictures" in text
    classes = report["target"]["classes"] if "target" in report else report["classes"]
    assert classes[0] == "a red rose"
    assert len(classes) == len(set(classes)) == 10


@pytest.mark.slow
def test_without_a_prompt_that_can_be_suggested_it_says_what_is_missing(
    cli, unlabelled, tmp_path, monkeypatch
):
    from ddpm_clip.coverage.prompt_coverage import PromptCoverage

    monkeypatch.setattr(PromptCoverage, "suggested", lambda self: [])
    ended = cli("evaluate", unlabelled, "-n", 2, "--out", tmp_path / "report")
    assert ended.code == 2
    assert "there are no prompts to evaluate" in ended.err
    monkeypatch.chdir(tmp_path)
    words = ("explain", unlabelled, "a red rose", "--quick", "--seeds", "0-3")
    ended = cli(*words, "--analyses", "trajectory", "--out", tmp_path / "other")
    assert ended.code == 0
    first = next(line for line in ended.err.splitlines() if "Not tested" in line)
    assert first == ('Some analyses will end in "Not tested": there is no judge for its pictures.')


@pytest.mark.slow
def test_explain_says_at_its_start_which_classes_the_judge_knows(cli, tmp_path):
    words = ("explain", "digits", "a nice picture", "--quick", "--seeds", "0-1", "--steps", 2)
    ended = cli(*words, "--analyses", "trajectory", "--out", tmp_path / "report")
    assert ended.code == 0, ended.err
    lines = ended.err.splitlines()
    said = next(i for i, line in enumerate(lines) if "Not tested" in line)
    assert lines[said].endswith(
        "the prompt names no class that the judge knows: zero, one, two, three, four, five, six, "
        "seven, eight, nine."
    )
    assert not any(line.startswith("trajectory") for line in lines[:said])
