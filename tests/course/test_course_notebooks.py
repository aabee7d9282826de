"""Executed notebooks: a real kernel runs a lesson, and a notebook that is behind is told."""

import json
import re
import runpy
from pathlib import Path

import pytest

from ddpm_clip.course.catalogue import LESSONS, lesson_file

pytestmark = pytest.mark.slow
pytest.importorskip("nbclient", reason="the extra `test` has what runs notebooks")
pytest.importorskip("jupytext", reason="the extra `test` has what writes notebooks")

ROOT = Path(__file__).resolve().parents[2]
UNETS = lesson_file("01")


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        yield runpy.run_path(str(ROOT / "scripts" / "write_course.py"))


@pytest.fixture(scope="module")
def course(script, tmp_path_factory):
    """A folder in which lesson 01 has been run, in the smallest size."""
    folder = tmp_path_factory.mktemp("executed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_SMOKE", "1")
        patch.setenv("OMP_NUM_THREADS", "1")
        script["run"](UNETS, folder)
    return folder


def notebook(course):
    return json.loads((course / f"{UNETS.name}.ipynb").read_text(encoding="utf-8"))


def test_a_real_kernel_runs_a_lesson_and_its_pictures_are_inside(course, script):
    outputs = [one for cell in notebook(course)["cells"] for one in cell.get("outputs", [])]
    pictures = [one for one in outputs if "image/png" in one.get("data", {})]
    assert len(pictures) == 5
    names = [one["metadata"]["image/png"]["alt"] for one in pictures]
    assert len(set(names)) == 5, "each has a name for those who cannot see it"
    tables = [
        one["data"]["text/markdown"] for one in outputs if "text/markdown" in one.get("data", {})
    ]
    assert tables
    assert "|---|" in "".join(tables[0])
    values = [one for one in outputs if one["output_type"] == "execute_result"]
    assert values == [], "no value is left below a cell"
    text = "".join("".join(one.get("text", "")) for one in outputs)
    assert "1.1: not written yet" in text
    assert "claim 1.a (exact) holds" in text
    assert notebook(course)["metadata"]["course"]["cpu_seconds"] > 0
    assert script["behind"](course) == []
    results = json.loads((course / "results.json").read_text(encoding="utf-8"))
    assert [one["id"] for one in results["01"]["claims"]] == ["1.a", "1.b", "1.c", "1.d"]


def changed(course, tmp_path, change):
    """A copy of the folder with a changed notebook."""
    made = notebook(course)
    change(made)
    (tmp_path / f"{UNETS.name}.ipynb").write_text(json.dumps(made), encoding="utf-8")
    (tmp_path / "results.json").write_text((course / "results.json").read_text())
    return tmp_path


def other_code(made):
    next(c for c in made["cells"] if c["cell_type"] == "code")["source"] = ["x = 1"]


def older_run(made):
    made["metadata"]["course"]["code"] = "0" * 64


def failed_cell(made):
    cell = next(c for c in made["cells"] if c["cell_type"] == "code")
    cell["outputs"] = [{"output_type": "error", "ename": "E", "evalue": "", "traceback": []}]


def far_too_large(made):
    made["metadata"]["padding"] = "x" * 1_300_000


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (other_code, "its cells are not those of the lesson"),
        (older_run, "the code has changed since it was run"),
        (failed_cell, "a cell ended with an error"),
        (far_too_large, "it is larger than"),
    ],
)
def test_a_notebook_that_is_behind_is_told(course, script, tmp_path, change, told):
    (sentence,) = script["behind"](changed(course, tmp_path, change))
    assert told in sentence


def test_missing_claims_are_told(course, script, tmp_path):
    folder = changed(course, tmp_path, lambda made: None)
    (folder / "results.json").write_text("{}")
    assert "its claims are not in the results" in script["behind"](folder)[0]


def test_text_is_taken_over_and_code_is_not(course, script, tmp_path, monkeypatch):
    folder = changed(course, tmp_path, lambda made: None)
    before = json.loads((folder / f"{UNETS.name}.ipynb").read_text())
    text = UNETS.text.replace("# %%", "# %% [markdown]\n# Another sentence.\n\n# %%", 1)
    monkeypatch.setattr(type(UNETS), "text", text)
    assert script["retold"](UNETS, folder)
    after = json.loads((folder / f"{UNETS.name}.ipynb").read_text())
    assert "Another sentence." in after["cells"][0]["source"]
    assert after["cells"][1:] == [
        cell | {"id": f"cell-{number}"} for number, cell in enumerate(before["cells"], start=1)
    ]
    assert after["metadata"] == before["metadata"]
    monkeypatch.setattr(type(UNETS), "text", text + "\n# %%\nx = 1\n")
    assert not script["retold"](UNETS, folder)
    assert script["behind"](folder)


@pytest.mark.parametrize(
    ("id", "holds", "told"),
    [
        ("1.a", False, ["01_unets.ipynb: claim 1.a must hold, and does not with seed 2"]),
        ("1.a", True, []),
        ("1.a", None, []),
        ("1.x", False, []),  # of another version of the lesson
    ],
)
def test_a_claim_that_must_hold_has_to_hold_with_every_seed(
    course, script, tmp_path, id, holds, told
):
    folder = changed(course, tmp_path, lambda made: None)
    tried = {"01": {"code": "", "seeds": {"1": {id: {"holds": True}}, "2": {id: {"holds": holds}}}}}
    (folder / "seeds.json").write_text(json.dumps(tried), encoding="utf-8")
    assert script["behind"](folder) == told


@pytest.fixture
def seeds():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        yield runpy.run_path(str(ROOT / "scripts" / "course_seeds.py"))


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=lambda lesson: lesson.id)
def test_another_seed_changes_every_number_that_draws_and_nothing_else(seeds, lesson):
    changed = seeds["seeded"](lesson.text, 2)
    assert seeds["seeded"](lesson.text, 0) == lesson.text
    before = [int(one) for one in re.findall(r"manual_seed\((\d+)", lesson.text)]
    after = [int(one) for one in re.findall(r"manual_seed\((\d+)", changed)]
    assert after == [one + 2000 for one in before]
    drawn = re.findall(r"flowers\(.*seed=\d+\)", lesson.text)
    assert not set(drawn) & set(re.findall(r"flowers\(.*seed=\d+\)", changed))
    assert len(changed.splitlines()) == len(lesson.text.splitlines())


def test_the_notebooks_of_the_course_are_not_behind(script):
    assert script["behind"]() == [], "run: python scripts/write_course.py --run LESSON"
