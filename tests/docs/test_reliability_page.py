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


def test_the_figures_of_planted_faults_are_those_that_were_measured(script):
    assert script["fill"].__globals__["filled"](TEXT, "mutants", script["faults"]()) == TEXT, (
        "run: fill_reliability.py"
    )


@pytest.mark.parametrize("page", ["server", "studio"])
def test_the_figures_of_server_and_studio_are_those_that_were_measured(page):
    script = runpy.run_path(str(ROOT / "scripts" / "fill_studio.py"))
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert script["fill"].__globals__["filled"](text, "measured", script[page]()) == text, (
        "run: fill_studio.py"
    )


def test_planted_faults_are_counted_by_area_and_those_that_nothing_noticed_are_named(
    script, tmp_path
):
    assert script["faults"](tmp_path) == script["NOTHING"]
    made = {"date": "2026-01-02", "cpu": "a cpu", "torch": "2", "command": "python benchmarks/m.py"}
    claims = [{"claim": "noticed", "measured": 0.75, "needed": 1.0, "holds": False}]
    rows = [("data", "quick"), ("data", "slow"), ("training", "quick"), ("training", None)]
    faults = [
        {"area": area, "name": f"f{i}", "noticed": noticed}
        for i, (area, noticed) in enumerate(rows)
    ]
    text = json.dumps({"made": made, "claims": claims, "faults": faults})
    (tmp_path / "mutants.json").write_text(text)
    body = script["faults"](tmp_path)
    assert "| noticed | 75 % | at least 100 % | **fails** |" in body
    assert "| data | 2 | 1 | 1 | 0 |\n| training | 2 | 1 | 0 | 1 |" in body
    assert body.endswith("Not noticed: `f3`.")


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
