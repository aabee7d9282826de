"""Lessons as percent scripts, as cells and as notebooks.

A lesson is a percent script, which runs as it is. Notebooks are made from it with jupytext, which
comes with the extra `course`. Reading needs neither: a notebook is JSON, and a percent script is
cut at its marks. A test compares what is cut here with what jupytext reads.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddpm_clip.errors import DataError, MissingInput, UsageError

MARK = re.compile(r"^# %%(?P<rest>.*)$")
TAGS = re.compile(r"tags=(\[[^\]]*\])")
LONGEST = 50_000_000
"""Largest notebook that is read, in bytes."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: "code" or "markdown", its text, and its tags."""

    kind: str
    source: str
    tags: tuple[str, ...] = ()


def read_percent(text: str) -> list[Cell]:
    """Cut a percent script into its cells; comments before the first mark are left out."""
    cells: list[tuple[str, tuple[str, ...], list[str]]] = []
    for line in text.splitlines():
        found = MARK.match(line)
        if found:
            kind = "markdown" if "[markdown]" in found["rest"] else "code"
            tags = TAGS.search(found["rest"])
            cells.append((kind, tuple(json.loads(tags[1])) if tags else (), []))
        elif cells:
            cells[-1][2].append(line)
    return [Cell(kind, _source(kind, lines), tags) for kind, tags, lines in cells]


def read_notebook(text: str) -> list[Cell]:
    """Return the cells of a notebook.

    Raises:
        DataError: it is no notebook.
    """
    try:
        return [
            Cell(
                "code" if cell["cell_type"] == "code" else "markdown",
                "".join(cell["source"]),
                tuple(cell.get("metadata", {}).get("tags", ())),
            )
            for cell in json.loads(text)["cells"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            "this is not a notebook", f"{type(error).__name__}: {error}", "save it in Jupyter again"
        ) from error


def read_cells(path: Path) -> list[Cell]:
    """Return the cells of a lesson in a student's folder, a notebook or a percent script.

    Raises:
        MissingInput: there is no such file.
        DataError: it is no notebook, or far too large for one.
    """
    if not path.is_file():
        raise MissingInput(
            f"no such lesson: {path}", fix="ddpm-clip course start writes the lessons"
        )
    if path.stat().st_size > LONGEST:
        raise DataError(f"{path} is too large for a lesson", fix="clear its outputs")
    text = path.read_text(encoding="utf-8", errors="replace")
    return read_notebook(text) if path.suffix == ".ipynb" else read_percent(text)


def as_notebook(script: str) -> Any:
    """Return the notebook (nbformat 4.5) of a percent script, without outputs.

    Raises:
        UsageError: jupytext is not installed.
    """
    try:
        import jupytext
    except ImportError as error:
        raise UsageError(
            "notebooks cannot be written",
            "jupytext is not installed",
            'pip install "ddpm-clip[course]", or use the .py files, which need nothing',
        ) from error
    notebook = jupytext.reads(script, fmt="py:percent")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # jupytext draws ids, and files would differ each time
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": spec, "language_info": {"name": "python"}}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def notebook_text(notebook: Any) -> str:
    """Return the text of a notebook's file."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def tagged(cells: Sequence[Cell], tag: str) -> int | None:
    """Return the number of the cell with a tag, or None."""
    return next((i for i, cell in enumerate(cells) if tag in cell.tags), None)


def _source(kind: str, lines: list[str]) -> str:
    text = "\n".join(lines).strip("\n")
    if kind == "code":
        return text
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in text.split("\n"))
