"""The notebook is its script, cell by cell, and runs in a small size."""

import json
import os
import runpy
import subprocess
import sys

import pytest
from snippets import ROOT

SCRIPT = ROOT / "examples" / "explain_and_visualize.py"


@pytest.fixture(scope="module")
def writer():
    return runpy.run_path(str(ROOT / "scripts" / "write_notebook.py"))


def test_the_notebook_is_what_its_script_writes(writer):
    there = SCRIPT.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert there == writer["written"](SCRIPT), "run: python scripts/write_notebook.py"


def test_cells_become_cells_and_text_loses_its_signs(writer):
    script = "# %% [markdown]\n# # Head\n#\n# a line\n\n# %%\nx = 1\n\n\ny = 2\n"
    text, code = writer["notebook"](script)["cells"]
    assert (text["cell_type"], "".join(text["source"])) == ("markdown", "# Head\n\na line")
    assert (code["cell_type"], "".join(code["source"])) == ("code", "x = 1\n\n\ny = 2")
    assert code["outputs"] == []


def test_code_and_words_of_the_notebook_are_all_of_the_script():
    cells = json.loads(SCRIPT.with_suffix(".ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    compile(code, "notebook", "exec")
    lines = [
        line
        for line in SCRIPT.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert [line for line in code.splitlines() if line and not line.startswith("#")] == lines


@pytest.mark.slow
def test_the_script_runs_to_its_end_in_a_small_size(tmp_path):
    env = {**os.environ, "EXPLAIN_SMOKE": "1", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, str(SCRIPT)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    drawn = {path.stem for path in (tmp_path / "outputs" / "explained").iterdir()}
    assert {"forward", "trajectory", "commitment", "timesteps", "words", "guidance_field"} <= drawn
    assert "pass" in ended.stdout
