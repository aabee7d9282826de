"""Every lesson runs to its end in the smallest size, without a network, and draws its figures."""

import ast
import json
import os
import re
import subprocess
import sys

import pytest

from ddpm_clip.course.catalogue import LESSONS, lesson_file
from ddpm_clip.course.exercises import EXERCISES, QUIZZES
from ddpm_clip.course.notebooks import Cell, as_notebook, read_notebook, read_percent, tagged
from ddpm_clip.course.session import KINDS
from ddpm_clip.errors import DataError, UsageError

WRITTEN = [lesson for lesson in LESSONS.values() if lesson.is_written]
REFUSED = """
import runpy, socket, sys
def refuse(*a, **k):
    raise OSError("a lesson asked for the network")
socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = refuse
runpy.run_path(sys.argv[1], run_name="__main__")
"""
MOST_SECONDS = 75.0
"""Of one lesson in the smallest size; on an idle core it is a third. CPU time, as CI is shared."""

each = pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.name)


def cells(lesson):
    return read_percent(lesson.text)


def figures_named(lesson):
    (line,) = re.findall(r"^Figures: (.*)$", cells(lesson)[0].source, re.MULTILINE)
    return re.findall(r"`([\w-]+)`", line)


@pytest.mark.slow
@each
def test_a_lesson_runs_in_the_smallest_size(lesson, tmp_path):
    script = tmp_path / f"{lesson.name}.py"
    script.write_text(lesson.text, encoding="utf-8")
    environ = {**os.environ, "COURSE_SMOKE": "1", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    before = os.times()
    ended = subprocess.run(
        [sys.executable, "-c", REFUSED, str(script)],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=900,
    )
    after = os.times()
    assert ended.returncode == 0, ended.stderr[-3000:]
    seconds = after.children_user - before.children_user
    print(f"{lesson.name}: {seconds:.1f} s")
    assert seconds < MOST_SECONDS
    drawn = {path.stem for path in (tmp_path / "figures" / lesson.id).iterdir()}
    assert set(figures_named(lesson)) == drawn - {"claims"}
    claims = json.loads((tmp_path / "figures" / lesson.id / "claims.json").read_text())["claims"]
    assert [one["id"] for one in claims] == sorted({one["id"] for one in claims})
    exact = [one for one in claims if one["kind"] == "exact"]
    assert all(one["holds"] for one in exact)
    assert "not written yet" in ended.stdout, "an unsolved lesson says so and goes on"


@each
def test_a_header_says_what_a_lesson_needs_and_buys(lesson):
    header = cells(lesson)[0]
    assert header.kind == "markdown"
    assert header.source.startswith(f"# {lesson.id} {lesson.title}")
    for said in ("**You need**", "**It takes**", "**It buys**"):
        assert said in header.source
    assert f"about {lesson.seconds} seconds" in header.source
    assert figures_named(lesson)


@each
def test_every_exercise_and_quiz_of_a_lesson_is_in_it(lesson):
    own, text = cells(lesson), lesson.text
    for id, asked in EXERCISES.items():
        if asked.lesson == lesson.id:
            at = tagged(own, asked.tag)
            assert at is not None, f"no cell {asked.tag}"
            assert own[at].source.startswith(asked.stub.split("\n")[0]), id
            assert f'L.check("{id}", {asked.name})' in text
            before = "".join(cell.source for cell in own[:at] if cell.kind == "markdown")
            assert f"### Exercise {id}" in before
    number = lesson.id.removeprefix("0")
    for id in QUIZZES:
        if id.split(".")[0] == number:
            assert f'"{id}"' in text


@each
def test_a_lesson_can_be_read_and_never_imports_the_answers(lesson):
    text = lesson.text
    assert "course.answers" not in text
    for cell in cells(lesson):
        if cell.kind == "code":
            compile(cell.source, lesson.name, "exec")
            assert len(cell.source.splitlines()) <= 40, "one idea a cell"
    for line in text.splitlines():
        assert len(line) <= 100


@each
def test_every_claim_of_a_lesson_has_a_kind_and_an_id_of_its_own(lesson):
    """Read from the syntax: in the smallest size some claims are stated and not judged."""
    found = []
    for node in ast.walk(ast.parse(lesson.text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "L.claim":
            given = {one.arg: one.value for one in node.keywords}
            if isinstance(node.args[0], ast.Constant):  # else it is one of a loop
                found.append(node.args[0].value)
            kind = ast.literal_eval(given["kind"]) if "kind" in given else "must"
            assert kind in KINDS
    assert found
    assert found == sorted(set(found)), "in order, each once"


@each
def test_our_cells_are_those_that_jupytext_reads(lesson):
    pytest.importorskip("jupytext", reason="the extra `test` has what writes notebooks")
    ours = cells(lesson)
    theirs = [
        Cell(cell.cell_type, cell.source, tuple(cell.metadata.get("tags", ())))
        for cell in as_notebook(lesson.text).cells
    ]
    assert ours == theirs


def test_a_notebook_has_no_outputs_and_is_the_same_each_time():
    pytest.importorskip("jupytext", reason="the extra `test` has what writes notebooks")
    import nbformat

    made = [as_notebook(lesson_file("02").text) for _ in range(2)]
    assert made[0] == made[1]
    nbformat.validate(nbformat.from_dict(json.loads(json.dumps(made[0]))))
    assert all(not cell.get("outputs") for cell in made[0].cells)
    assert read_notebook(json.dumps(made[0])) == read_percent(lesson_file("02").text)


def test_a_percent_script_is_cut_at_its_marks():
    text = (
        '# before\n# %% [markdown]\n# # Head\n#\n# a line\n\n# %% tags=["exercise-1.1"]\nx = 1\n\n'
    )
    head, code = read_percent(text)
    assert head == Cell("markdown", "# Head\n\na line")
    assert code == Cell("code", "x = 1", ("exercise-1.1",))


@pytest.mark.parametrize("text", ["", "{}", '{"cells": [{}]}', '{"cells": 7}', "no json"])
def test_what_is_no_notebook_is_refused(text):
    with pytest.raises(DataError, match="not a notebook"):
        read_notebook(text)


def test_a_lesson_is_found_by_a_short_id():
    assert lesson_file("2").id == "02"
    assert lesson_file("5b").id == "05b"
    with pytest.raises(UsageError, match="no lesson '11'"):
        lesson_file("11")
