"""Pages of the course: pictures are there, answers are collapsed, and a claim is never made up."""

import base64
import json
import runpy
import shutil
import sys
from pathlib import Path

import pytest

from ddpm_clip.course.catalogue import LESSONS, lesson_file
from ddpm_clip.course.exercises import EXERCISES

ROOT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\n-not-drawn-"
COURSE = {
    "date": "2026-01-02",
    "seconds": 151,
    "cpu_seconds": 260,
    "machine": "x86_64, 2 cores",
    "commit": "abc",
}


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
        return runpy.run_path(str(ROOT / "scripts" / "course_pages.py"))


def code(text, *outputs):
    return {"cell_type": "code", "source": text, "outputs": list(outputs)}


def picture(**metadata):
    data = {"image/png": base64.b64encode(PNG).decode()}
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def notebook(smoke=False):
    cells = [
        {"cell_type": "markdown", "source": ["# 02 Diffusion\n", "text"]},
        code("L.show('panels', x)", picture(**{"image/png": {"alt": "panels"}}), picture()),
        code("print(1)", {"output_type": "stream", "text": ["1 | <b>\n", "\n"]}),
        code("L.table(rows)", {"data": {"text/markdown": "| a |\n|---|\n| 1 |"}}),
        code('L.check("2.2", q)', {"output_type": "stream", "text": "2.2: not written yet"}),
    ]
    return {"cells": cells, "metadata": {"course": COURSE | {"smoke": smoke}}}


def claim(id, holds=True, kind="must", **figures):
    return {"id": id, "text": f"claim {id} | so", "kind": kind, "holds": holds, "figures": figures}


RESULTS = {
    "02": {"claims": [claim("2.b", **{"DLI's": 3, "accepted, ours": 76, "of": 100})]},
    "03": {"claims": [claim("3.g", False, "told", **{"error without it, relative": 1.0123456})]},
}


@pytest.fixture
def course(tmp_path):
    """A folder in which lesson 02 was run in full and lesson 03 in the smallest size."""
    for id, smoke in (("02", False), ("03", True)):
        path = tmp_path / f"{lesson_file(id).name}.ipynb"
        path.write_text(json.dumps(notebook(smoke)), encoding="utf-8")
    (tmp_path / "results.json").write_text(json.dumps(RESULTS), encoding="utf-8")
    return tmp_path


def test_a_page_holds_text_code_outputs_and_pictures_in_order(script):
    page = script["lesson_page"](lesson_file("02"), notebook())
    assert set(page.pictures) == {"panels.png", "figure-2.png"}
    assert page.pictures["panels.png"] == PNG
    wanted = (
        "# 02 Diffusion\ntext",
        "Run in full on 2026-01-02 in 151 s, 260 s of CPU time (x86_64, 2 cores), at commit `abc`",
        "```python\nL.show('panels', x)\n```",
        "![panels: 02 Diffusion](02_diffusion/panels.png)",
        "```{ .text .output }\n1 | <b>\n```",
        "| a |\n|---|\n| 1 |",
        '??? note "Hints for 2.2"',
        '??? note "An answer to 2.2"',
    )
    places = [page.text.index(part) for part in wanted]
    assert places == sorted(places)


def test_answers_are_collapsed_and_nowhere_else(script):
    text = script["lesson_page"](lesson_file("02"), notebook()).text
    answer = text.split('??? note "An answer to 2.2"\n\n')[1]
    assert "    def q(x_0" in answer
    assert EXERCISES["2.2"].explanation in answer
    assert all(line.startswith("    ") for line in answer.splitlines() if line)
    assert "view(-1, 1, 1, 1)" not in text.split('??? note "An answer')[0]


@pytest.mark.slow
def test_only_lessons_that_ran_in_full_have_a_page(script, course):
    assert [page.title for page in script["pages"](course)] == ["02 Diffusion", script["WORTH"]]
    assert script["pages"](course / "none") == []


@pytest.mark.slow
def test_what_each_idea_buys_is_what_was_recorded(script, course):
    worth = script["pages"](course)[-1]
    assert (
        "| [2.b](02_diffusion.md), must: claim 2.b / so | holds | 1 of 1 | DLI's 3, " in worth.text
    )
    assert "| does not hold | 0 of 1 | error without it, relative 1.01 |" in worth.text
    assert "Not run in full yet: 00 Demo" in worth.text
    assert worth.pictures["ideas.png"].startswith(PNG[:8])
    assert f"({worth.name}/ideas.png)" in worth.text


@pytest.mark.slow
def test_a_claim_is_told_with_every_seed_that_was_tried(script, course, tmp_path):
    shutil.copytree(course, tmp_path / "tried")
    seeds = {"1": {"2.b": {"holds": True}}, "2": {"2.b": {"holds": False}}, "3": {}}
    (tmp_path / "tried" / "seeds.json").write_text(json.dumps({"02": {"seeds": seeds}}))
    assert "| holds | 2 of 3 |" in script["pages"](tmp_path / "tried")[-1].text


def test_the_plot_shows_shares_without_and_with_and_ratios(script):
    worth = sys.modules["course_worth"]
    shares, ratios = worth._panels(worth.claims_of(RESULTS))
    assert shares.bars == {
        "without": [("newer recipe instead of DLI's (2.b)", 0.03)],
        "with": [("newer recipe instead of DLI's (2.b)", 0.76)],
    }
    assert ratios.bars == {"": [("GELU (3.g)", 1.0123456)]}


def test_figures_of_the_plot_are_named_as_the_lessons_name_them(script):
    worth = sys.modules["course_worth"]
    for id, _, before, after in (*worth.SHARES, *worth.RATIOS):
        (lesson,) = [one for one in LESSONS.values() if one.id.lstrip("0") == id.split(".")[0]]
        for figure in filter(None, (before, after)):
            assert f'"{figure}"' in lesson.text, (id, figure)


@pytest.mark.slow
def test_pages_join_the_site_and_its_navigation(script, course, tmp_path):
    pytest.importorskip("mkdocs", reason="the extra `docs` has what makes pages")
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.plugins import PluginCollection
    from mkdocs.structure.files import Files

    config = MkDocsConfig()
    config.load_dict({"site_name": "x", "nav": [{"Course": [{"Start": "course.md"}]}]})
    config.site_dir, config.docs_dir = str(tmp_path / "site"), str(tmp_path)
    config.use_directory_urls, config.plugins = True, PluginCollection()
    config.plugins._current_plugin = "course_pages"  # MkDocs sets it before it calls a hook
    names = script["on_config"].__globals__
    names["pages"] = lambda make=script["pages"]: make(course)
    nav = script["on_config"](config).nav
    assert nav[0]["Course"] == [
        {"Start": "course.md"},
        {"02 Diffusion": "course/02_diffusion.md"},
        {script["WORTH"]: "course/what_each_idea_buys.md"},
    ]
    files = script["on_files"](Files([]), config=config)
    made = {file.src_uri for file in files}
    assert {"course/02_diffusion.md", "course/02_diffusion/panels.png"} <= made
    assert "course/what_each_idea_buys/ideas.png" in made


def test_figures_are_short(script):
    worth = sys.modules["course_worth"]
    assert worth.short(0.123456) == "0.123"
    assert worth.short("[1.7257425785, 12, -0.00012345]") == "[1.73, 12, -0.000123]"
    assert worth.short("0.12 (0.06 to 0.19)") == "0.12 (0.06 to 0.19)"
