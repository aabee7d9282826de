"""The soak of `reproduce`: a trial of two kinds in earnest, and what it would say of a bad one."""

import json
import random

import pytest

TOLD = ("equal", "one_pixel_told", "other_seed_told")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["generate", "interpolate"])
def test_a_picture_comes_back_and_its_copies_are_told(soak, mode):
    row = soak("reproduce").trial(random.Random(f"short {mode}"), mode)
    assert [row[name] for name in TOLD] == [True, True, True], row
    assert row["mode"] == mode


@pytest.mark.slow
def test_a_command_that_always_says_equal_is_found_out(soak, monkeypatch):
    module = soak("reproduce")
    monkeypatch.setattr(module, "command_line", lambda words: print('{"equal": true}') or 0)
    row = module.trial(random.Random("blind"), "unconditional")
    assert [row[name] for name in TOLD] == [True, False, False]


def test_the_report_fails_with_one_bad_picture(soak, tmp_path, capsys):
    module = soak("reproduce")
    row = dict.fromkeys(TOLD, True) | {
        "mode": "vary",
        "sampler": "ddim",
        "threads": 1,
        "pictures_in_batch": 2,
        "seconds": 1.0,
    }
    for bad, holds in ({}, [True] * 3), ({"equal": False}, [False, True, True]):
        module.report([row] * 9 + [row | bad], tmp_path / "out.json")
        facts = json.loads((tmp_path / "out.json").read_text())
        assert [one["holds"] for one in facts["claims"]] == holds
        assert facts["n"] == 10
        assert len(facts["bad"]) == (1 if bad else 0)
