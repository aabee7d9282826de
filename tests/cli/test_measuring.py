"""`gap` on the command line: models, pairs, and what cannot be measured."""

import json

import numpy as np
import pytest


@pytest.fixture
def pairs(tmp_path):
    """A hundred pairs that share half of what they mean."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(100, 12))
    arrays = [shared + rng.normal(size=(100, 12)) + away for away in (0, np.eye(12)[0] * 6)]
    np.savez(tmp_path / "mine.npz", image=arrays[0], text=arrays[1])
    return tmp_path / "mine.npz"


@pytest.mark.slow
def test_pairs_are_measured_printed_and_drawn(cli, pairs, tmp_path):
    words = ("gap", "--pairs", pairs, "--splits", 2)
    told = json.loads(cli(*words, "--json").out)
    assert told["name"] == "mine"
    assert told["gap"]["top"][0][0] == 0
    assert {"identity", "mean shift", "prior"} < {row["bridge"] for row in told["bridges"]}
    ended = cli(*words, "--out", tmp_path / "gap.png")
    assert ended.code == 0
    assert f"distance of the means:            {told['gap']['distance']:.3f}" in ended.out
    assert "mean shift" in ended.out
    assert (tmp_path / "gap.png").stat().st_size > 10_000


@pytest.mark.slow
def test_a_shipped_model_is_measured_by_its_own_bank(cli):
    told = json.loads(cli("gap", "digits", "--json").out)
    assert told["gap"]["distance"] > 0.1
    rows = {row["bridge"]: row for row in told["bridges"]}
    assert rows["shift"]["nearest_ratio"] < rows["identity"]["nearest_ratio"]
    assert rows["shift"]["centred_cosine"] is None


def test_a_model_of_classes_has_no_gap_to_speak_of(cli, run):
    told = json.loads(cli("gap", run, "--json").out)
    assert told["gap"]["distance"] < 0.5


@pytest.mark.slow
def test_what_cannot_be_measured_has_its_exit_code(cli, pairs, tmp_path):
    assert cli("gap").code == 2
    assert cli("gap", "--pairs", tmp_path / "none.npz").code == 66
    assert cli("gap", "no-such-model").code == 66
    assert cli("gap", "digits", "--pairs", pairs).code == 65
