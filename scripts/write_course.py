"""Run the lessons and keep their notebooks: `python scripts/write_course.py --run 02`.

    --run all          run every lesson in full and write course/NN_name.ipynb with its outputs
    --run 02 05b       run these
    --check            compare what is there with the lessons; the exit code is 1 if it is behind

An executed notebook holds its pictures. It records a digest of its code, when and where it ran,
and the commit. `course/results.json` holds the claims of every lesson that was run, with figures.
Run it on a machine that does nothing else. With `--check`, a notebook whose code has changed since
it ran is behind; lessons that have not been run yet are only named.
"""

import argparse
import hashlib
import json
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from ddpm_clip.course.catalogue import LESSONS, LessonFile, lesson_file
from ddpm_clip.course.notebooks import as_notebook, notebook_text, read_notebook, read_percent

ROOT = Path(__file__).resolve().parents[1]
COURSE = ROOT / "course"
RESULTS = "results.json"
MOST_BYTES = 1_200_000
"""Largest notebook with its pictures."""

MOST_SECONDS = 900
"""Time for one cell."""


def digest(lesson: LessonFile) -> str:
    """Return the SHA-256 of the lesson's code cells; its text may change without a new run."""
    code = [cell.source for cell in read_percent(lesson.text) if cell.kind == "code"]
    return hashlib.sha256("\n\0".join(code).encode()).hexdigest()


def executed(lesson: LessonFile, folder: Path) -> tuple[Any, list[dict[str, Any]]]:
    """Run a lesson in a kernel whose current folder is `folder`; its notebook and its claims."""
    notebook = nbformat.from_dict(as_notebook(lesson.text))
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, timeout=MOST_SECONDS, kernel_name="python3", resources=resources
    )
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day, which differ each time
    claims = json.loads((folder / "figures" / lesson.id / "claims.json").read_text("utf-8"))
    notebook.metadata["course"] = {
        "code": digest(lesson),
        "smoke": claims["smoke"],
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": platform.machine(),
        "commit": commit(),
    }
    return notebook, claims["claims"]


def commit() -> str:
    """Return the commit that is checked out, with a + if files differ from it."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True)
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def run(lesson: LessonFile, course: Path = COURSE) -> Path:
    """Run a lesson, write its notebook and put its claims into the results."""
    with tempfile.TemporaryDirectory() as folder:
        notebook, claims = executed(lesson, Path(folder))
    course.mkdir(exist_ok=True)
    path = course / f"{lesson.name}.ipynb"
    path.write_text(notebook_text(notebook), encoding="utf-8")
    results = course / RESULTS
    known = json.loads(results.read_text("utf-8")) if results.is_file() else {}
    known[lesson.id] = {"code": digest(lesson), "claims": claims}
    ordered = {id: known[id] for id in LESSONS if id in known}
    results.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


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
    if notebook["metadata"].get("course", {}).get("code") != digest(lesson):
        found.append("the code has changed since it was run")
    outputs = [one for cell in notebook["cells"] for one in cell.get("outputs", [])]
    if any(one["output_type"] == "error" for one in outputs):
        found.append("a cell ended with an error")
    if path.stat().st_size > MOST_BYTES:
        found.append(f"it is larger than {MOST_BYTES:,} bytes")
    if not known.get(lesson.id, {}).get("claims"):
        found.append("its claims are not in the results")
    return found


def main() -> int:
    """Run lessons, or check what is there; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", nargs="+", metavar="LESSON", default=[])
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    written = [lesson for lesson in LESSONS.values() if lesson.is_written]
    wanted = written if arguments.run == ["all"] else [lesson_file(id) for id in arguments.run]
    for lesson in wanted:
        print(run(lesson), flush=True)
    wrong = behind() if arguments.check else []
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if arguments.check:
        missing = [one.id for one in written if not (COURSE / f"{one.name}.ipynb").is_file()]
        print(f"not run yet: {', '.join(missing)}" if missing else "every lesson has been run")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
