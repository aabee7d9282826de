"""What stands between two marks of a page is replaced, and nothing else."""

import runpy
from pathlib import Path

import pytest

filled = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "marked_pages.py"))["filled"]
PAGE = "before\n<!-- here: begin -->\n{}\n<!-- here: end -->\nafter <!-- here: end -->"


def test_only_what_stands_between_the_marks_is_replaced():
    assert filled(PAGE.format("old\nlines"), "here", "new") == PAGE.format("new")


@pytest.mark.parametrize("page", [PAGE.format(""), "<!-- there: begin -->", ""])
def test_a_page_without_both_marks_is_refused(page):
    with pytest.raises(ValueError, match="there: begin"):
        filled(page, "there", "new")


def test_a_page_is_compared_or_filled(tmp_path, monkeypatch):
    fill, page = filled.__globals__["fill"], tmp_path / "page.md"
    page.write_text(PAGE.format("old"))
    monkeypatch.setattr("sys.argv", ["script", "--check"])
    assert fill(page, "here", lambda: "new") == 1
    assert page.read_text() == PAGE.format("old")
    monkeypatch.setattr("sys.argv", ["script"])
    assert fill(page, "here", lambda: "new") == 0
    assert page.read_text() == PAGE.format("new")
    monkeypatch.setattr("sys.argv", ["script", "--check"])
    assert fill(page, "here", lambda: "new") == 0
