"""What a reader has to know of a figure stands beside it, on every page that shows it: that it came
from uncommitted code, how far it ranged, and that its judge is weak."""

import importlib
import json
import re
import runpy

import pytest
from snippets import ROOT

RESULTS = ROOT / "benchmarks" / "results"
NAMES = sorted(path.stem for path in RESULTS.glob("*.json"))
FILLERS = (
    ("fill_bridges", "body"),
    ("fill_bridges", "emphasis"),
    ("fill_figures", "figures"),
    ("fill_reliability", "body"),
    ("fill_studio", "server"),
    ("fill_studio", "studio"),
    ("fill_tasks", "body"),
    ("write_performance_page", "body"),
    ("fill_reliability", "faults"),
    ("write_results_page", "body"),
    *(("fill_inline", page) for page in ("cards", "editing", "explanations", "reliability")),
)
"""Script, and the function that makes its page, or figures of it, from a folder of results."""

SAYS = "measured with uncommitted code"
LATEST = {name: json.loads((RESULTS / f"{name}.json").read_text("utf-8")) for name in NAMES}


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return lambda name: runpy.run_path(str(ROOT / "scripts" / f"{name}.py"))


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module


def put(folder, name, facts):
    (folder / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")


def cleaned(facts):
    return facts | {"made": facts["made"] | {"uncommitted_changes": False}}


@pytest.mark.slow
@pytest.mark.parametrize(("script", "function"), FILLERS)
def test_every_page_says_what_came_from_uncommitted_code(scripts, tmp_path, script, function):
    make = scripts(script)[function]
    shown, body = 0, lambda folder: str(make(folder))
    for name, facts in LATEST.items():
        folder = tmp_path / name
        folder.mkdir()
        nothing = body(folder)
        put(folder, name, cleaned(facts))
        clean = body(folder)
        put(folder, name, facts | {"made": facts["made"] | {"uncommitted_changes": True}})
        dirty = body(folder)
        assert SAYS not in clean, name
        assert (SAYS in dirty) == (clean != nothing), f"{script} shows {name} and does not say so"
        shown += clean != nothing
        part = {"one": {"uncommitted_changes": True}}
        put(folder, name, cleaned(facts) | {"parts": part})
        assert (SAYS in body(folder)) == (clean != nothing), name
    assert shown


def test_readme_says_it_too(scripts, tmp_path):
    headline = scripts("fill_figures")["headline"]
    for name in ("digits_from_words", "flowers_from_words"):
        put(tmp_path, name, cleaned(LATEST[name]))
    assert SAYS not in headline(tmp_path)
    facts = cleaned(LATEST["digits_from_words"])
    facts["made"]["uncommitted_changes"] = True
    put(tmp_path, "digits_from_words", facts)
    assert f"Figures of `digits`: **{SAYS}**." in headline(tmp_path)


@pytest.mark.slow
def test_every_result_is_on_a_page(scripts, tmp_path):
    """A result that no page shows cannot say anything of itself there."""
    hidden = []
    bodies = [scripts(script)[function] for script, function in FILLERS]
    for name in NAMES:
        folder = tmp_path / name
        folder.mkdir()
        before = [body(folder) for body in bodies]
        put(folder, name, LATEST[name])
        if before == [body(folder) for body in bodies]:
            hidden.append(name)
    assert hidden == []


def test_every_time_and_ratio_has_its_range_or_a_reason(module):
    ranges, tables = module("ranges"), module("page_tables")
    reasons = set()
    for name, facts in LATEST.items():
        for claim in facts.get("claims", []):
            spread = tables.spread(name, facts, claim)
            if claim.get("unit", "%") in ranges.NEEDING:
                assert re.fullmatch(r" \(.+ to .+\)|", spread) or ranges.why_none(name, claim)
            found = ranges.range_of(name, facts, claim)
            if found and claim["measured"] is not None:
                low, high = found
                assert low <= claim["measured"] * 1.001, (name, claim)
                assert high >= claim["measured"] * 0.999, (name, claim)
            if why := ranges.why_none(name, claim):
                reasons.add(next(k for k, v in ranges.NONE.items() if k[0] == name and v == why))
                assert spread in (f" ({why})", "")
    assert reasons == set(ranges.NONE), "a reason without a claim"


def test_the_range_of_the_fastest_claim_is_that_of_its_json(module):
    ratio = LATEST["sampling"]["times_as_fast"]
    (claim,) = (one for one in LATEST["sampling"]["claims"] if one.get("unit") == "x")
    found = module("ranges").range_of("sampling", LATEST["sampling"], claim)
    assert found == (ratio["low"], ratio["high"])


def test_a_busy_machine_has_its_ranges(module):
    relative = {"median": 1.02, "low": 0.9, "high": 1.1}
    arms = {"OpenMP's own": {"relative": {}}, "ours": {"relative": relative}}
    facts = {
        "reference": "OpenMP's own",
        "measured": {"a step": {"alone": arms, "beside 2 busy processes": arms}},
    }
    range_of = module("ranges").range_of
    beside = {"claim": "a step beside 2 busy processes, relative to an idle machine"}
    assert range_of("busy", facts, beside) == (0.9, 1.1)
    alone = {"claim": "a step: more time on an idle machine than with OpenMP's own"}
    assert range_of("busy", facts, alone) == pytest.approx((-0.1, 0.1))
    assert range_of("busy", facts, {"claim": "another"}) is None


def weakened(facts, accuracy):
    judge = facts["judge"]
    figures = judge["figures"] | {"accuracy": {"digit": accuracy}}
    return facts | {"judge": judge | {"figures": figures}}


@pytest.mark.parametrize(("accuracy", "weak"), [(0.84, True), (0.86, False)])
@pytest.mark.parametrize(
    ("script", "function", "name"),
    [
        ("fill_figures", "figures", "digits_from_words"),
        ("fill_figures", "headline", "digits_from_words"),
        ("write_results_page", "body", "digits_from_words"),
        ("fill_bridges", "body", "bridges"),
        ("fill_tasks", "body", "clip_guidance"),
        ("write_performance_page", "body", "sampling"),
    ],
)
def test_figures_of_a_weak_judge_say_so(scripts, tmp_path, script, function, name, accuracy, weak):
    put(tmp_path, name, weakened(LATEST[name], accuracy))
    assert ("weak judge" in scripts(script)[function](tmp_path)) == weak


def test_a_weak_judge_carries_no_bar(module, tmp_path):
    tables = module("page_tables")
    facts = LATEST["digits_from_words"]
    assert "| yes |" in tables.claims_table({"x": facts})
    weak = tables.claims_table({"x": weakened(facts, 0.7)})
    assert "| yes |" not in weak
    assert "**no**" not in weak
    assert "| weak judge |" in weak


def test_no_figure_is_minus_zero(module):
    shown = module("page_tables")._figure
    assert shown(-0.0004, {}) == "0.0%"
    assert shown(-0.004, {}) == "-0.4%"
