"""The notebooks of examples/ are their scripts, cell by cell, were run, and show pictures."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import warnings

import pytest
from snippets import ROOT

from ddpm_clip.errors import DdpmClipWarning

pytestmark = pytest.mark.slow
pytest.importorskip("nbclient", reason="the extra `test` has what runs notebooks")
pytest.importorskip("jupytext", reason="the extra `test` has what writes notebooks")

EXAMPLES = ROOT / "examples"
NAMES = ("test", "demo", "train_model", "explain_and_visualize")


@pytest.fixture(scope="module")
def writer():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        return runpy.run_path(str(ROOT / "scripts" / "write_notebook.py"))


def cells(name):
    return json.loads((EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def test_every_notebook_has_a_script(writer):
    assert tuple(writer["SOURCES"]) == NAMES
    assert {path.stem for path in EXAMPLES.glob("*.ipynb")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_holds_what_its_script_gave_when_it_was_run(writer, name):
    assert writer["behind"](name) == [], f"run: python scripts/write_notebook.py --run {name}"


@pytest.mark.parametrize("name", NAMES)
def test_outputs_name_no_place_and_no_object(name):
    outputs = json.dumps([cell.get("outputs", []) for cell in cells(name)])
    assert re.findall(r"(?:/\w[\w.-]*)+/\w+\.py", outputs) == []
    assert "/tmp/" not in outputs
    assert " at 0x" not in outputs  # an object that a cell ends with


@pytest.fixture
def copied(writer, tmp_path):
    """A folder with the demo and its script, in which either can be changed."""
    for name in ("demo.ipynb", writer["SOURCES"]["demo"]):
        shutil.copy(EXAMPLES / name, tmp_path / name)
    return tmp_path


def test_changed_code_is_told_until_it_is_run_again(writer, copied):
    script = copied / writer["SOURCES"]["demo"]
    script.write_text(script.read_text().replace("seed=1", "seed=2"))
    assert [one.partition(": ")[2] for one in writer["behind"]("demo", copied)] == [
        "its cells are not those of the script",
        "the code has changed since it was run",
    ]
    with pytest.raises(SystemExit, match="the code has changed"):
        writer["renew_text"]("demo", copied)


def test_changed_text_needs_no_new_run(writer, copied):
    script, before = copied / writer["SOURCES"]["demo"], cells("demo")
    script.write_text(script.read_text().replace("# # Demo:", "# # A demo:"))
    assert len(writer["behind"]("demo", copied)) == 1
    writer["renew_text"]("demo", copied)
    assert writer["behind"]("demo", copied) == []
    after = json.loads((copied / "demo.ipynb").read_text())["cells"]
    assert [one.get("outputs") for one in after] == [one.get("outputs") for one in before]
    assert "# A demo:" in "".join(after[0]["source"])


def test_a_notebook_without_pictures_is_told(writer, copied):
    path = copied / "demo.ipynb"
    made = json.loads(path.read_text())
    for cell in made["cells"]:
        cell.pop("outputs", None)
    path.write_text(json.dumps(made))
    (sentence,) = writer["behind"]("demo", copied)
    assert "no picture" in sentence


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("test", {"clip.csv", "loss_curve.png", "generated.png", "generation.gif"}),
        ("demo", {"zero-shot.png", "compass.png", "three-two.gif", "emerging.gif"}),
        ("train_model", {"run", "model", "by-noise.png"}),
    ],
)
def test_a_script_runs_to_its_end_in_the_smallest_size(
    writer, name, written, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXAMPLES_SMOKE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DdpmClipWarning)  # of prompts, after three steps
        runpy.run_path(str(EXAMPLES / writer["SOURCES"][name]), run_name="__main__")
    assert written <= {path.name for path in (tmp_path / "outputs" / name).iterdir()}


def test_the_analyses_run_to_their_end_on_the_planted_mixture(tmp_path):
    env = {**os.environ, "EXAMPLES_SMOKE": "1", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, str(EXAMPLES / "explain_and_visualize.py")],
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
