"""The page on reliability shows what the soaks measured, and names every one of them."""

import json
import re
import runpy

import pytest
from snippets import ROOT

TEXT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


@pytest.fixture
def script():
    return runpy.run_path(str(ROOT / "scripts" / "fill_reliability.py"))


def test_the_figures_are_those_of_the_soaks(script):
    assert script["fill"].__globals__["filled"](TEXT, "soak", script["body"]()) == TEXT, (
        "run: fill_reliability.py"
    )


def test_every_result_that_has_a_place_has_its_program_on_the_page(script):
    for name in script["ORDER"]:
        program = f"benchmarks/soak/{name}.py"
        assert (ROOT / program).is_file()
        assert re.search(rf"^python {program}", TEXT, re.M)


def test_a_result_becomes_a_table_and_a_claim_that_fails_says_so(script, tmp_path):
    made = {
        "date": "2026-01-02T03:04:05",
        "cpu": "a cpu",
        "torch": "2",
        "command": "python benchmarks/soak/races.py --races 20",
    }
    claims = [
        {
            "claim": "lost",
            "measured": 0,
            "needed": 0,
            "at_most": True,
            "unit": "races",
            "holds": True,
        },
        {
            "claim": "slowest",
            "measured": 2.34567,
            "needed": 2.0,
            "at_most": True,
            "unit": "s",
            "holds": False,
        },
        {"claim": "named", "measured": 1.0, "needed": 0.9, "holds": True},
        {"claim": "many", "measured": 1234, "needed": 1000, "unit": "points", "holds": True},
    ]
    soak = json.dumps({"made": made, "claims": claims})
    (tmp_path / "races.json").write_text(soak, encoding="utf-8")
    other = {"made": made | {"command": "python benchmarks/memory.py"}, "claims": claims}
    (tmp_path / "memory.json").write_text(json.dumps(other), encoding="utf-8")
    body = script["body"](tmp_path)
    assert body.count("| `benchmarks/") == 1
    assert "| lost | 0 | at most 0 | holds |" in body
    assert "| slowest | 2.35 s (range not recorded) | at most 2 s | **fails** |" in body
    assert "| named | 100 % | at least 90 % | holds |" in body
    assert "| many | 1,234 | at least 1,000 | holds |" in body
    assert "2026-01-02, a cpu, torch 2." in body
    assert script["body"](tmp_path / "nowhere") == script["NOTHING"]
