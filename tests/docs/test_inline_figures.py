"""Figures within sentences come from results and from what ships; none is typed in their place."""

import json
import re
import runpy

import pytest
from snippets import ROOT

RESULTS = ROOT / "benchmarks" / "results"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return runpy.run_path(str(ROOT / "scripts" / "fill_inline.py"))


@pytest.fixture
def with_figures(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return runpy.run_path(str(ROOT / "scripts" / "inline_figures.py"))["with_figures"]


@pytest.mark.slow
def test_every_page_has_the_figures_that_were_measured(script):
    for page, values in script["PAGES"].items():
        text = (ROOT / page).read_text(encoding="utf-8")
        assert text == script["with_figures"](text, values()), "run: scripts/fill_inline.py"


def test_only_what_stands_between_the_marks_is_replaced(with_figures):
    text = "a <!--=one-->1<!--/=--> b <!--=two--><!--/=--> c"
    assert with_figures(text, {"one": "3", "two": "4"}) == (
        "a <!--=one-->3<!--/=--> b <!--=two-->4<!--/=--> c"
    )


@pytest.mark.parametrize("values", [{}, {"one": "1", "two": "2"}, {"two": "2"}])
def test_a_name_on_one_side_only_is_an_error(with_figures, values):
    with pytest.raises(ValueError, match=r"one|two"):
        with_figures("<!--=one-->1<!--/=-->", values)


def test_nothing_is_said_of_what_was_not_measured(script, tmp_path):
    for page in ("explanations", "editing", "reliability"):
        for name, said in script[page](tmp_path).items():
            assert script["NOT_YET"] in said, name
            assert not re.search(r"\d", said), name


def test_a_result_shows_its_own_figures(script, tmp_path):
    facts = json.loads((RESULTS / "inpainting_rounds.json").read_text("utf-8"))
    facts["samplers"]["dpmpp_2m"]["5"]["share"] = 0.123
    facts["made"]["uncommitted_changes"] = True
    (tmp_path / "inpainting_rounds.json").write_text(json.dumps(facts))
    said = script["editing"](tmp_path)["rounds"]
    assert "12.3% (" in said
    assert said.endswith("**measured with uncommitted code**")
    made = {"uncommitted_changes": False}
    damaged = {"made": made, "wrong": {"failures": 0, "n": 600}}
    (tmp_path / "damaged.json").write_text(json.dumps(damaged))
    assert script["reliability"](tmp_path)["three-over-n"] == "0.5% for 600 damaged checkpoints"


def test_an_analysis_is_told_with_its_prompt_verdict_and_sentence(script, tmp_path):
    one = {"prompt": "a six", "verdict": "inconclusive", "test": "It spans\nboth (0.1 to 0.9)."}
    facts = {
        "made": {"date": "2026-01-02T03:04:05", "uncommitted_changes": False},
        "model": "digits",
        "model_fingerprint": "fff",
        "quick": True,
        "seeds": 8,
        "analyses": {"words": one},
    }
    (tmp_path / "explained.json").write_text(json.dumps(facts))
    values = script["explanations"](tmp_path)
    wanted = "For `digits` and “a six” (8 seeds, `--quick`): *inconclusive*. It spans both (0.1"
    assert values["words"].startswith(wanted)
    assert values["passed"].startswith("0 of 1 tests pass (2026-01-02, weights `fff`)")
    assert script["NOT_YET"] in values["stepwise"]


def test_no_figure_of_digits_is_typed_on_the_page_of_explanations():
    """What is measured on a shipped model is filled in; what is known of the mixture is tested."""
    text = (ROOT / "docs" / "explanations.md").read_text(encoding="utf-8")
    prose = re.sub(r"<!--=.*?<!--/=-->", "", text)
    typed = [line for line in prose.splitlines() if line.startswith("- For `digits`")]
    assert typed == []
