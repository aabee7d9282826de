"""`distill` makes a model, is stopped and continued, and `show` says what it is."""

import json

import pytest
from tiny_run import tiny_run
from tiny_student import SMALL

from ddpm_clip.runs.run import Run

CHANGES = [word for change in SMALL for word in ("--set", change)]


@pytest.mark.slow
def test_it_is_stopped_resumed_shown_and_paints(cli, tmp_path):
    teacher, out = tiny_run(tmp_path / "teacher").folder, tmp_path / "fast"
    first = cli("distill", teacher, "--calls", 2, "--out", out, "--stop-after", 2, *CHANGES)
    assert first.code == 0
    assert f"resume {out}" in first.err
    assert Run.open(out).checkpoint_steps() == [2]
    refused = cli("resume", out, "--steps", 50)
    assert refused.code == 2
    assert "--steps cannot be changed" in refused.err
    lines = cli("resume", out, "--json").out.splitlines()
    assert [json.loads(line).get("step") for line in lines] == [3, 4, 5, 6, None]
    end = json.loads(lines[-1])
    assert (end["event"], end["run"], end["finished"]) == ("end", str(out), True)
    assert (out / "loss.png").is_file()
    assert (out / "samples" / "step-000006.png").is_file()
    shown = cli("show", out).out
    assert "2 calls a picture, guidance 1 to 4" in shown
    assert str(teacher) in shown
    assert "distilled" not in cli("show", teacher).out
    painted = cli("generate", "left", "--model", out, "-n", 1, "--out", tmp_path / "x.png")
    assert painted.code == 0, painted.err
    again = cli("reproduce", tmp_path / "x.png", "--model", out)
    assert again.code == 0, again.err


@pytest.mark.slow
def test_a_wrong_number_of_calls_is_refused_before_anything_is_written(cli, tmp_path):
    teacher = tiny_run(tmp_path / "teacher").folder
    ended = cli("distill", teacher, "--calls", 3, "--out", tmp_path / "fast")
    assert ended.code == 2
    assert "calls = 3 is not possible" in ended.err
    assert not (tmp_path / "fast" / "config.yaml").exists()
