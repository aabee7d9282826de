"""Run the scripts of `examples/` and keep their notebooks: `python scripts/write_notebook.py`.

    --run all            run every script and write its notebook with outputs
    --run demo test      run these
    --check              compare the notebooks with the scripts; the exit code is 1 if one is behind

The source is a script divided into cells (`# %%`, and `# %% [markdown]` for text). Its notebook
holds the same cells, their outputs, and a digest of the code that made them. Where code has
changed since, the notebook is behind; text may change without a new run (`--text` renews it).
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from running_notebooks import MOST_SECONDS, digest, executed, provenance

from ddpm_clip.course.notebooks import as_notebook, notebook_text, read_notebook, read_percent

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SOURCES = {
    "test": "test.py",
    "demo": "demo_notebook.py",  # `demo.py` is the program behind `make demo`
    "train_model": "train_model.py",
    "explain_and_visualize": "explain_and_visualize.py",
}
"""Name of a notebook -> the script that it is made from."""

MOST_BYTES = 1_500_000
"""Largest notebook with its pictures."""


def script(name: str, examples: Path = EXAMPLES) -> str:
    """Return the text of the script behind a notebook."""
    return (examples / SOURCES[name]).read_text(encoding="utf-8")


def run(name: str, examples: Path = EXAMPLES, seconds: int = MOST_SECONDS) -> Path:
    """Run a script in an empty folder, and write its notebook with the outputs."""
    text = script(name, examples)
    with tempfile.TemporaryDirectory() as folder:
        notebook = executed(text, Path(folder), seconds)
    notebook.metadata["run"] = provenance(text)
    path = examples / f"{name}.ipynb"
    path.write_text(notebook_text(notebook), encoding="utf-8")
    return path


def renew_text(name: str, examples: Path = EXAMPLES) -> None:
    """Give a notebook the script's text cells; its outputs stay, if the code is the same."""
    path = examples / f"{name}.ipynb"
    kept, fresh = json.loads(path.read_text(encoding="utf-8")), as_notebook(script(name, examples))
    code = [cell for cell in kept["cells"] if cell["cell_type"] == "code"]
    if kept["metadata"]["run"]["code"] != digest(script(name, examples)):
        sys.exit(f"{path.name}: the code has changed; run it: --run {name}")
    cells = [code.pop(0) if cell.cell_type == "code" else cell for cell in fresh.cells]
    kept["cells"] = [cell | {"id": f"cell-{i}"} for i, cell in enumerate(cells)]
    path.write_text(notebook_text(kept), encoding="utf-8")


def behind(name: str, examples: Path = EXAMPLES) -> list[str]:
    """Return what is wrong with a notebook, one sentence each."""
    path, wanted = examples / f"{name}.ipynb", script(name, examples)
    if not path.is_file():
        return [f"{path.name}: it has not been run"]
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    outputs = [one for cell in notebook["cells"] for one in cell.get("outputs", [])]
    found = {
        "its cells are not those of the script": read_notebook(text) != read_percent(wanted),
        "the code has changed since it was run": (
            notebook["metadata"].get("run", {}).get("code") != digest(wanted)
        ),
        "a cell ended with an error": any(one["output_type"] == "error" for one in outputs),
        "it shows no picture": not any("image/png" in one.get("data", {}) for one in outputs),
        f"it is larger than {MOST_BYTES:,} bytes": path.stat().st_size > MOST_BYTES,
    }
    return [f"{path.name}: {what}" for what, wrong in found.items() if wrong]


def main() -> int:
    """Run scripts, renew texts, or check what is there; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", nargs="+", metavar="NAME", default=[])
    parser.add_argument("--text", nargs="+", metavar="NAME", default=[])
    parser.add_argument("--seconds", type=int, default=MOST_SECONDS, help="time for one cell")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    for name in SOURCES if arguments.run == ["all"] else arguments.run:
        print(run(name, seconds=arguments.seconds), flush=True)
    for name in SOURCES if arguments.text == ["all"] else arguments.text:
        renew_text(name)
    wrong = [what for name in SOURCES for what in behind(name)] if arguments.check else []
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
