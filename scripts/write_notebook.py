"""Write examples/*.ipynb from the scripts beside them: `python scripts/write_notebook.py`.

The source is a script divided into cells (`# %%`, and `# %% [markdown]` for text); the notebook
contains the same cells without outputs. With `--check` nothing is written, and the exit code is 1
if a notebook is out of date. Jupyter is not needed.
"""

import json
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SCRIPTS = ("explain_and_visualize.py",)
CODE, TEXT = "# %%", "# %% [markdown]"


def notebook(script: str) -> dict[str, Any]:
    """Convert a script with cells to a notebook (nbformat 4.5)."""
    cells = []
    for number, (kind, lines) in enumerate(_cells(script)):
        source = _text(lines) if kind == TEXT else lines
        cell: dict[str, Any] = {
            "cell_type": "markdown" if kind == TEXT else "code",
            "id": f"cell-{number}",
            "metadata": {},
        }
        if kind == CODE:
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell | {"source": [f"{line}\n" for line in source[:-1]] + source[-1:]})
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": spec, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def written(script: Path) -> str:
    """The text of the notebook file."""
    cells = notebook(script.read_text(encoding="utf-8"))
    return json.dumps(cells, indent=1, ensure_ascii=False) + "\n"


def _cells(script: str) -> list[tuple[str, list[str]]]:
    """(marker, lines) of each cell, without leading and trailing empty lines."""
    cells: list[tuple[str, list[str]]] = []
    for line in script.splitlines():
        if line in (CODE, TEXT):
            cells.append((line, []))
        elif cells:
            cells[-1][1].append(line)
    return [(kind, _stripped(lines)) for kind, lines in cells]


def _stripped(lines: list[str]) -> list[str]:
    return "\n".join(lines).strip("\n").split("\n")


def _text(lines: list[str]) -> list[str]:
    return [line.removeprefix("#").removeprefix(" ") for line in lines]


def main() -> int:
    """Write the notebooks, or check them; return the exit code."""
    behind = 0
    for name in SCRIPTS:
        script = EXAMPLES / name
        path, text = script.with_suffix(".ipynb"), written(script)
        if "--check" in sys.argv[1:]:
            same = path.is_file() and path.read_text(encoding="utf-8") == text
            behind += not same
        else:
            path.write_text(text, encoding="utf-8")
            print(path)
    return int(behind > 0)


if __name__ == "__main__":
    sys.exit(main())
