"""Pages are made from templates that escape whatever comes from outside."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import EVIL, checked

import ddpm_clip
from ddpm_clip.reports.figures import Skipped
from ddpm_clip.reports.page import render

TEMPLATES = sorted(
    path for path in Path(ddpm_clip.__file__).parent.rglob("*.html") if "static" not in path.parts
)
BODY = """{% extends "base.html" %}
{% from "parts.html" import figure, table %}
{% block body %}
{{ table([text], [[text, text]], text) }}{{ figure(text, text, picture, text, "gif") }}
{% endblock %}"""


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package with one template in it."""
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "__init__.py").write_text("")
    (tmp_path / "room" / "page.html").write_text(BODY)
    monkeypatch.syspath_prepend(tmp_path)
    yield "room"
    sys.modules.pop("room", None)


def test_all_that_pages_share_escapes_its_text(room):
    text = render(
        room,
        "page.html",
        title=EVIL,
        facts=[(EVIL, EVIL)],
        intro=EVIL,
        skipped=[Skipped(EVIL, EVIL, EVIL, EVIL)],
        text=EVIL,
        picture=b"\x00\xff",
    )
    page = checked(text)
    assert page.every("src") == ["data:image/gif;base64,AP8="]
    assert page.every("alt") == [EVIL]
    assert page.text.count(EVIL) == 12  # two of them in the title and the heading


def test_a_value_that_is_forgotten_is_an_error_and_no_empty_place(room):
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        render(room, "page.html", title="x", facts=[], intro="", skipped=[])


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_turns_escaping_off(path):
    assert not re.search(r"\bsafe\b|autoescape|Markup", path.read_text(encoding="utf-8"))


def test_there_are_templates_and_no_other_html_in_the_code():
    assert {"base.html", "parts.html", "page.html", "certificate.html"} == {
        path.name for path in TEMPLATES
    }
    tags = re.compile(r"</(p|li|td|th|tr|table|section|figure|html|h\d)>")
    files = Path(ddpm_clip.__file__).parent.rglob("*.py")
    assert [path.name for path in files if tags.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.slow
def test_jinja_is_imported_only_when_a_page_is_written():
    code = (
        "import sys, ddpm_clip.evaluation.report.formats.files, ddpm_clip.explain.report.files; "
        "print('jinja2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
