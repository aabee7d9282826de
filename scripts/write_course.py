"""Run the lessons and keep their notebooks: `python scripts/write_course.py --run 02`.

    --run all          run every lesson in full and write course/NN_name.ipynb with its outputs
    --run 02 05b       run these
    --text             take over text that has changed, where the code is that which was run
    --check            compare what is there with the lessons; the exit code is 1 if it is behind

An executed notebook holds its pictures. It records a digest of its code, when and where it ran,
how long that took, and the commit. `course/results.json` holds the claims of every lesson that was
run, with figures. The lessons run on the painted digits, as for a student who has no MNIST; set
COURSE_REAL=1 for MNIST. Run it on a machine that does nothing else.

With `--check`, a notebook whose code has changed since it ran is behind, and so is one with a claim
that must hold and fails with another seed (`course_seeds.py`); lessons that have not been run yet
are only named.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import running_notebooks
from course_seeds import FILE
from running_notebooks import digest

from ddpm_clip.course.catalogue import LESSONS, LessonFile, lesson_file
from ddpm_clip.course.notebooks import as_notebook, notebook_text, read_notebook, read_percent
from ddpm_clip.course.pictures import REAL

ROOT = Path(__file__).resolve().parents[1]
COURSE = ROOT / "course"
RESULTS = "results.json"
MOST_BYTES = 1_200_000
"""Largest notebook with its pictures."""


def executed(lesson: LessonFile, folder: Path) -> tuple[Any, list[dict[str, Any]]]:
    """Run a lesson in a kernel whose current folder is `folder`; its notebook and its claims."""
    os.environ.setdefault(REAL, "0")
    started, before = time.monotonic(), os.times()
    notebook = running_notebooks.executed(lesson.text, folder)
    seconds, after = time.monotonic() - started, os.times()
    claims = json.loads((folder / "figures" / lesson.id / "claims.json").read_text("utf-8"))
    notebook.metadata["course"] = {
        **running_notebooks.provenance(lesson.text, but="course"),
        "smoke": claims["smoke"],
        "seconds": round(seconds),
        "cpu_seconds": round(after.children_user - before.children_user),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    return notebook, claims["claims"]


def run(lesson: LessonFile, course: Path = COURSE) -> Path:
    """Run a lesson, write its notebook and put its claims into the results."""
    with tempfile.TemporaryDirectory() as folder:
        notebook, claims = executed(lesson, Path(folder))
    course.mkdir(exist_ok=True)
    path = course / f"{lesson.name}.ipynb"
    path.write_text(notebook_text(notebook), encoding="utf-8")
    results = course / RESULTS
    known = json.loads(results.read_text("utf-8")) if results.is_file() else {}
    known[lesson.id] = {"code": digest(lesson.text), "claims": claims}
    ordered = {id: known[id] for id in LESSONS if id in known}
    results.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def retold(lesson: LessonFile, course: Path = COURSE) -> bool:
    """Take over a lesson's text into its notebook; False if there is none, or its code differs.

    Outputs, and what is noted about the run, stay as they are.
    """
    path = course / f"{lesson.name}.ipynb"
    if not path.is_file():
        return False
    old, new = json.loads(path.read_text(encoding="utf-8")), as_notebook(lesson.text)
    if old["metadata"]["course"]["code"] != digest(lesson.text):
        return False
    ran = [cell for cell in old["cells"] if cell["cell_type"] == "code"]
    for cell, before in zip(_code(new), ran, strict=True):
        cell.update({key: before[key] for key in ("outputs", "execution_count")})
    new.metadata = old["metadata"]
    path.write_text(notebook_text(new), encoding="utf-8")
    return True


def _code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell["cell_type"] == "code"]


def behind(course: Path = COURSE) -> list[str]:
    """Return what is wrong with the notebooks that are there, one sentence each."""
    found = []
    results = course / RESULTS
    known = json.loads(results.read_text("utf-8")) if results.is_file() else {}
    for lesson in LESSONS.values():
        path = course / f"{lesson.name}.ipynb"
        if lesson.is_written and path.is_file():
            found += [f"{path.name}: {what}" for what in _wrong(lesson, path, known)]
    return found


def _wrong(lesson: LessonFile, path: Path, known: dict[str, Any]) -> list[str]:
    text = path.read_text(encoding="utf-8")
    notebook, found = json.loads(text), []
    if read_notebook(text) != read_percent(lesson.text):
        found.append("its cells are not those of the lesson")
    if notebook["metadata"].get("course", {}).get("code") != digest(lesson.text):
        found.append("the code has changed since it was run")
    outputs = [one for cell in notebook["cells"] for one in cell.get("outputs", [])]
    if any(one["output_type"] == "error" for one in outputs):
        found.append("a cell ended with an error")
    if path.stat().st_size > MOST_BYTES:
        found.append(f"it is larger than {MOST_BYTES:,} bytes")
    if not known.get(lesson.id, {}).get("claims"):
        found.append("its claims are not in the results")
    return found + list(_by_luck(known.get(lesson.id, {}), _tried(path.parent, lesson)))


def _tried(course: Path, lesson: LessonFile) -> dict[str, Any]:
    """Return the claims of a lesson with other seeds, as far as they were tried."""
    path = course / FILE.name
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return known.get(lesson.id, {"seeds": {}})


def _by_luck(result: dict[str, Any], tried: dict[str, Any]) -> Iterator[str]:
    """Yield each claim that must hold and failed with another seed."""
    must = {one["id"] for one in result.get("claims", ()) if one["kind"] != "told"}
    for seed, claims in tried["seeds"].items():
        for id in sorted(must & claims.keys()):
            if claims[id]["holds"] is False:
                yield f"claim {id} must hold, and does not with seed {seed}"


def main() -> int:
    """Run lessons, or check what is there; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", nargs="+", metavar="LESSON", default=[])
    parser.add_argument("--text", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    written = [lesson for lesson in LESSONS.values() if lesson.is_written]
    wanted = written if arguments.run == ["all"] else [lesson_file(id) for id in arguments.run]
    for lesson in wanted:
        print(run(lesson), flush=True)
    if arguments.text:
        print("text taken over:", ", ".join(one.id for one in written if retold(one)) or "nowhere")
    wrong = behind() if arguments.check else []
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if arguments.check:
        missing = [one.id for one in written if not (COURSE / f"{one.name}.ipynb").is_file()]
        print(f"not run yet: {', '.join(missing)}" if missing else "every lesson has been run")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
