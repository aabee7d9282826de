"""The three forms of a report: complete, safe, and in need of nothing else."""

import json
import math
import re
from dataclasses import fields, is_dataclass, replace

import pytest
from pages import EVIL, checked
from PIL import Image

from ddpm_clip.evaluation.prompts.success import PromptCase
from ddpm_clip.evaluation.report.evaluate import Evaluation
from ddpm_clip.evaluation.report.formats.files import FILES, as_json, write_evaluation
from ddpm_clip.evaluation.report.formats.markdown import as_markdown
from ddpm_clip.evaluation.report.formats.page import as_html
from ddpm_clip.evaluation.report.plan import SamplingPlan
from ddpm_clip.evaluation.report.shown import ShownPicture
from ddpm_clip.reports.figures import Figure, Section, Sheet, Skipped


@pytest.fixture
def evaluation():
    made = {"date": "2026-01-02", "ddpm_clip": "1", "commit": "abc", "torch": "2", "threads": 1}
    model = {
        "name": EVIL,
        "fingerprint": "f00",
        "step": 9,
        "bridge": "shift",
        "steps": 20,
        "sampler": "ddim",
        "guidance": 2.0,
        "source": "mnist",
        "source_is_here": False,
    }
    picture = Image.new("RGB", (8, 8), "red")
    shown = [
        ShownPicture(picture, EVIL, 5, "failure", EVIL),
        ShownPicture(picture, EVIL, 6, "rejected", "x"),
        ShownPicture(picture, "a rose", 7, "success"),
    ]
    figures = (
        Figure("success", 0.985, 400, "%", (0.97, 0.99), 0.99, "high"),
        Figure("distance", math.nan, 400),
    )
    sections = (
        Section("success", "Prompt success", "How many.", figures, figures, (EVIL,), {"a": 1}),
        Section("copies", "Copies", "Which.", figures, sheet=Sheet(picture, "The sheet")),
    )
    skipped = (Skipped("retrieval", "Retrieval", "no CLIP | here", "train <one>"),)
    plan = SamplingPlan(
        2, (PromptCase(EVIL, {"digit": "six"}), PromptCase("a rose", {})), 3, 5.0, 1.5
    )
    return Evaluation(made, model, plan, 5, sections, skipped, tuple(shown), 12.0)


def everywhere(thing):
    """The same with `EVIL` as every text, whatever it is a part of."""
    if isinstance(thing, str):
        return EVIL
    if isinstance(thing, dict):
        return {key: everywhere(one) for key, one in thing.items()}
    if isinstance(thing, tuple):
        return tuple(map(everywhere, thing))
    if is_dataclass(thing):
        kept = ("verdict", "unit")  # of a few values that are our own
        told = {one.name: getattr(thing, one.name) for one in fields(thing)}
        return replace(thing, **{k: v if k in kept else everywhere(v) for k, v in told.items()})
    return thing


def test_the_page_needs_nothing_else_and_runs_nothing(evaluation):
    page = checked(as_html(evaluation))
    images = page.every("src")
    assert len(images) == 4  # three shown, one sheet
    assert all(source.startswith("data:image/png;base64,") for source in images)
    assert {"success", "copies", "not-measured"} <= set(page.every("id"))


def test_what_came_from_elsewhere_is_text_and_never_markup(evaluation):
    page = checked(as_html(evaluation))
    assert EVIL in page.text
    assert any(EVIL in alt for alt in page.every("alt"))
    markdown = as_markdown(evaluation)
    assert "<script" not in markdown
    assert "no CLIP \\| here" in markdown


def test_no_text_at_all_can_become_markup(evaluation):
    evil = everywhere(evaluation)
    page = checked(as_html(evil))
    assert page.text.count(EVIL) > 30
    assert set(page.every("id")) == {"pictures", EVIL, "not-measured"}
    markdown = as_markdown(evil)
    assert "<script" not in markdown
    assert markdown.count("&lt;script") > 20
    assert {
        len(re.split(r"(?<!\\)\|", row)) for row in markdown.splitlines() if row[0:1] == "|"
    } == {8}


def test_failures_are_marked_by_more_than_a_colour(evaluation):
    page = checked(as_html(evaluation))
    spans = [attrs["class"] for tag, attrs in page.tags if tag == "span"]
    assert spans == ["failure", "rejected", "success"]
    assert "✗" in page.text
    assert [tag for tag, _ in page.tags].count("b") >= 2


@pytest.mark.parametrize("form", [as_html, as_markdown])
def test_every_report_tells_n_seeds_commit_intervals_and_what_is_missing(evaluation, form):
    text = form(evaluation)
    for told in (
        "n = 4",
        "5 to 8",
        "abc",
        "98.5 %",
        "97.0 % to 99.0 %",
        "99.0 %",
        "not a number",
        "Not measured",
        "3 prompts, because the time was too short",
        "5 minutes",
        "which are not on this machine",
    ):
        assert told in text, told


def test_every_row_of_a_markdown_table_has_as_many_cells(evaluation):
    rows = rows_of(as_markdown(evaluation))
    assert len(rows) == 8
    assert {len(row) for row in rows} == {8}


def rows_of(markdown):
    """The cells of each row of each table."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [re.split(r"(?<!\\)\|", line) for line in lines]


def test_the_json_form_is_json_to_the_letter(evaluation):
    text = json.dumps(as_json(evaluation), allow_nan=False)
    facts = json.loads(text)
    first, second = facts["parts"]["success"]["figures"]
    assert first["interval_95"] == [0.97, 0.99]
    assert (first["real"], first["n"], second["value"]) == (0.99, 400, None)
    assert facts["not_measured"]["retrieval"]["why"] == "no CLIP | here"
    assert facts["painted"] == {
        "pictures": 4,
        "n": 2,
        "prompts": 2,
        "prompts_left_out": 3,
        "minutes": 5.0,
        "pictures_per_second": 1.5,
    }
    assert facts["prompts"][0]["facts"] == {"digit": "six"}
    assert [one["seed"] for one in facts["shown"]] == [5, 6, 7]


def test_all_files_are_written_and_a_sheet_that_is_no_more_goes(evaluation, tmp_path):
    names = [path.name for path in write_evaluation(evaluation, tmp_path)]
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    assert names[-1] == "evaluation.json"
    write_evaluation(replace(evaluation, sections=evaluation.sections[:1]), tmp_path)
    assert not (tmp_path / "nearest.png").exists()
