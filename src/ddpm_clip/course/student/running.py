"""Runs the answer of a student in a child process: it may hang or crash, and the grader may not.

Of the cells up to the answer only imports, functions and classes are run, and of the answer's cell
assignments as well: nothing is trained and nothing is drawn again.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ddpm_clip.course.exercises import EXERCISES
from ddpm_clip.course.exercises import exercise as find
from ddpm_clip.course.grading import Exercise, Finding, Grade, grade
from ddpm_clip.course.grading.findings import NOT_WRITTEN
from ddpm_clip.course.notebooks import Cell, tagged

SECONDS = 60.0
"""Time for one answer."""

DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
ASSIGNMENTS = (ast.Assign, ast.AnnAssign)

LAST_LINES = """
from ddpm_clip.course.student.running import write_grade as _write_grade
_write_grade({id!r}, globals(), {path!r})
"""


def grade_cells(
    exercise: Exercise, cells: Sequence[Cell], folder: Path, seconds: float = SECONDS
) -> Grade:
    """Grade the answer in the cell that is tagged for it.

    Args:
        exercise: the exercise.
        cells: all cells of the lesson, from the student's file.
        folder: the student's folder, in which the answer runs.
        seconds: time after which the child is ended.
    """
    at = tagged(cells, exercise.tag)
    if at is None:
        told = f"a cell with the tag {exercise.tag}"
        return _only(exercise, Finding(NOT_WRITTEN, False, told, "no such cell"))
    try:
        script = script_of(cells[: at + 1])
    except SyntaxError as error:
        line = (error.text or "").strip()
        got = f"{error.msg}, in the line: {line}" if line else str(error.msg)
        return _only(exercise, Finding("syntax", False, "Python that can be read", got))
    with tempfile.TemporaryDirectory(prefix="ddpm-clip-course-") as there:
        found = _in_child(exercise, script, Path(there), folder, seconds)
    return Grade(found.exercise, tuple(_named(one, cells[:at]) for one in found.findings))


def script_of(cells: Sequence[Cell]) -> str:
    """Return the script that defines what the last cell defines.

    Raises:
        SyntaxError: the last cell cannot be parsed; earlier ones that cannot are left out.
    """
    parts: list[str] = []
    for cell in cells[:-1]:
        if cell.kind == "code":
            try:
                parts += _kept(cell.source, DEFINITIONS)
            except SyntaxError:
                continue
    return "\n".join([*parts, *_kept(cells[-1].source, DEFINITIONS + ASSIGNMENTS)]) + "\n"


def write_grade(id: str, names: dict[str, Any], path: str) -> None:
    """Grade the answer among these names, and write the grade; called by the child."""
    wanted = find(id)
    if wanted.name not in names:
        told, got = f"a function {wanted.name}", "no such name in the cell"
        found = _only(wanted, Finding(NOT_WRITTEN, False, told, got))
    else:
        found = _with_others(grade(wanted, names[wanted.name]), names, wanted)
    Path(path).write_text(json.dumps(found.as_dict()), encoding="utf-8")


def _with_others(found: Grade, names: dict[str, Any], wanted: Exercise) -> Grade:
    """Return the grade; of a failure it says which answers it calls that do not pass either."""
    first = found.first_failed
    called = getattr(getattr(names[wanted.name], "__code__", None), "co_names", ())
    if first is None or not found.written:
        return found
    others = [one for one in EXERCISES.values() if one.lesson == wanted.lesson and one != wanted]
    told = [
        f"It calls {one.name}, your answer to {one.id}, which does not pass yet."
        for one in others
        if one.name in called and one.name in names and not grade(one, names[one.name]).passed
    ]
    changed = replace(first, hint=" ".join([*told, first.hint]).strip())
    return Grade(found.exercise, tuple(changed if one is first else one for one in found.findings))


def _in_child(exercise: Exercise, script: str, there: Path, folder: Path, seconds: float) -> Grade:
    answer, result = there / "answer.py", there / "grade.json"
    ending = LAST_LINES.format(id=exercise.id, path=str(result))
    answer.write_text(script + ending, encoding="utf-8")
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": _import_path()}
    command = [sys.executable, str(answer)]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        hint = "Does a loop never end?"
        return _only(exercise, Finding("time", False, f"an end within {seconds:g} s", "none", hint))
    if not result.is_file():
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        got = last[0][:200] if last else f"the process ended with {done.returncode}"
        return _only(exercise, Finding("runs", False, "a cell that runs", got))
    return Grade.from_dict(json.loads(result.read_text(encoding="utf-8")))


def _named(finding: Finding, earlier: Sequence[Cell]) -> Finding:
    """Return the finding; one about a name that an earlier cell assigns says why it is missing."""
    missing = re.match(r"NameError: name '(\w+)' is not defined", finding.got)
    if finding.passed or not missing:
        return finding
    assigned = rf"^{missing[1]}\b[^=\n(]*=[^=]"
    if not any(cell.kind == "code" and re.search(assigned, cell.source, re.M) for cell in earlier):
        return finding
    hint = (
        "Of the cells before, only imports, functions and classes are run here. "
        f"Use your parameters, or give {missing[1]} its value in the cell of the answer."
    )
    return replace(finding, hint=hint)


def _import_path() -> str:
    """Return the import path of this process, so that the child imports the same package."""
    return os.pathsep.join(path for path in sys.path if path)


def _kept(source: str, kinds: tuple[type[ast.stmt], ...]) -> Iterator[str]:
    """Yield the statements of these kinds at the top level of a cell."""
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n")]
    plain = "\n".join(lines)
    for node in ast.parse(plain).body:
        if isinstance(node, kinds):
            text = ast.get_source_segment(plain, node)
            decorators = getattr(node, "decorator_list", [])
            for decorator in decorators:
                yield f"@{ast.get_source_segment(plain, decorator)}"
            yield text or ""


def _only(exercise: Exercise, finding: Finding) -> Grade:
    return Grade(exercise.id, (finding,))
