"""The page's files: small, plain, complete, and with nothing that its security policy forbids."""

import re
from pathlib import Path

import pytest

import ddpm_clip

STATIC = Path(ddpm_clip.__file__).parent / "studio" / "static"
FILES = sorted(path for path in STATIC.rglob("*") if path.is_file())
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
MOST_LINES, MOST_FILES = 300, 12

MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|"
    r"createContextualFragment|setAttribute\('style'"
)
"""Ways in which a text could become markup or code."""

IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*['"](\.{1,2}/[^'"]+)['"]""")


def test_a_file_can_be_read_in_one_go():
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}


def test_a_folder_holds_few_files():
    folders = {path.parent for path in FILES}
    counts = {str(one): sum(path.parent == one for path in FILES) for one in folders}
    assert {name: n for name, n in counts.items() if n > MOST_FILES} == {}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_what_it_is_and_makes_no_markup(path):
    text = path.read_text("utf-8")
    assert text.startswith("// ")
    assert MARKUP.findall(text) == []


def test_nothing_is_asked_from_elsewhere():
    known = "http://www.w3.org/2000/svg"  # a name, which nothing loads
    for path in FILES:
        text = path.read_text("utf-8").replace(known, "")
        assert (
            re.findall(r"(?:https?:)?//[\w-]+\.\w", re.sub(r"^\s*//.*", "", text, flags=re.M)) == []
        )


def test_the_page_has_no_script_and_no_style_of_its_own():
    page = (STATIC / "index.html").read_text("utf-8")
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page) == []
    assert re.findall(r"<script(?![^>]*\ssrc=)", page) == []


def test_every_file_is_used_and_every_import_is_there():
    page = (STATIC / "index.html").read_text("utf-8")
    used = {STATIC / name for name in re.findall(r'"/static/([^"]+)"', page)} | {
        STATIC / "index.html"
    }
    for path in SCRIPTS:
        used |= {
            (path.parent / name).resolve() for name in IMPORTED.findall(path.read_text("utf-8"))
        }
    assert used == set(FILES)
