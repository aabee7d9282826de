"""Executed notebooks: a real kernel runs a lesson, and a notebook that is behind is told."""

import json
import runpy
from pathlib import Path

import pytest

from ddpm_clip.course.catalogue import lesson_file

pytest.importorskip("nbclient", reason="the extra `test` has what runs notebooks")
pytest.importorskip("jupytext", reason="the extra `test` has what writes notebooks")

ROOT = Path(__file__).resolve().parents[2]
UNETS = lesson_file("01")


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(ROOT / "scripts" / "write_course.py"))


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


@pytest.mark.slow
def test_a_real_kernel_runs_a_lesson_and_its_pictures_are_inside(course, script):
    outputs = [one for cell in notebook(course)["cells"] for one in cell.get("outputs", [])]
    pictures = [one for one in outputs if "image/png" in one.get("data", {})]
    assert len(pictures) == 5
    text = "".join("".join(one.get("text", "")) for one in outputs)
    assert "1.1: not written yet" in text
    assert "claim 1.a (exact) holds" in text
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_missing_claims_are_told(course, script, tmp_path):
    folder = changed(course, tmp_path, lambda made: None)
    (folder / "results.json").write_text("{}")
    assert "its claims are not in the results" in script["behind"](folder)[0]


def test_the_notebooks_of_the_course_are_not_behind(script):
    assert script["behind"]() == [], "run: python scripts/write_course.py --run LESSON"
