"""The three forms of a report: complete, safe, and in need of nothing else."""

import json
import math
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from ddpm_clip.errors import CannotCreate
from ddpm_clip.evaluation.prompts.success import PromptCase
from ddpm_clip.evaluation.report.evaluate import Evaluation
from ddpm_clip.evaluation.report.formats.as_json import as_json
from ddpm_clip.evaluation.report.formats.files import check_folder, write_evaluation
from ddpm_clip.evaluation.report.formats.html import as_html
from ddpm_clip.evaluation.report.formats.markdown import as_markdown
from ddpm_clip.evaluation.report.plan import SamplingPlan
from ddpm_clip.evaluation.report.sections.figures import Figure, Section, Skipped
from ddpm_clip.evaluation.report.shown import ShownPicture

EVIL = "<script>alert('a|b')</script>"


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
        Section("copies", "Copies", "Which.", figures),
    )
    skipped = (Skipped("retrieval", "Retrieval", "no CLIP | here", "train <one>"),)
    plan = SamplingPlan(
        2, (PromptCase(EVIL, {"digit": "six"}), PromptCase("a rose", {})), 3, 5.0, 1.5
    )
    return Evaluation(made, model, plan, 5, sections, skipped, tuple(shown), picture, 12.0)


class Page(HTMLParser):
    """Tags with their attributes, and whether each that was opened is closed."""

    VOID = ("meta", "img", "link", "br")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_else_and_runs_nothing(evaluation):
    text = as_html(evaluation)
    page = Page(text)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "iframe", "object", "base", "form"}
    images = [attrs["src"] for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 4  # three shown, one sheet
    assert all(source.startswith("data:image/png;base64,") for source in images)
    assert not re.search(r"https?://|@import|url\(", text)
    assert "default-src 'none'" in text


def test_the_page_is_for_phones_and_for_light_and_dark(evaluation):
    text = as_html(evaluation)
    assert "width=device-width" in text
    assert "prefers-color-scheme: dark" in text
    assert 'lang="en"' in text


def test_what_came_from_elsewhere_is_text_and_never_markup(evaluation):
    page = Page(as_html(evaluation))
    assert EVIL in page.text
    assert any(EVIL in attrs.get("alt", "") for tag, attrs in page.tags if tag == "img")
    markdown = as_markdown(evaluation)
    assert "<script" not in markdown
    assert "no CLIP \\| here" in markdown


def test_failures_are_marked_by_more_than_a_colour(evaluation):
    page = Page(as_html(evaluation))
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
        "no number",
        "Not measured",
        "3 prompts, for want of time",
        "5 minutes",
        "which are not on this machine",
    ):
        assert told in text, told


def test_every_row_of_a_markdown_table_has_as_many_cells(evaluation):
    rows = [line for line in as_markdown(evaluation).splitlines() if line.startswith("|")]
    assert len(rows) == 8
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {8}


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


def test_files_are_written_whole_and_an_earlier_report_is_not_lost_unasked(evaluation, tmp_path):
    out = tmp_path / "deep" / "report"
    check_folder(out)
    names = [path.name for path in write_evaluation(evaluation, out)]
    assert sorted(names) == sorted(path.name for path in out.iterdir())
    assert "nearest.png" in names
    with pytest.raises(CannotCreate, match="holds an evaluation"):
        check_folder(out)
    check_folder(out, overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotCreate, match="cannot create"):
        check_folder(tmp_path / "file" / "report")
