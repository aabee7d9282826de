"""The list of planted faults fits the sources, and the program that tries them tells the truth."""

import ast
import importlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
fault_list = importlib.import_module("fault_list")
FAULTS = fault_list.read_faults()

NAMED = {
    "dropout-of-conditions-off", "mirrored-picture-plain-embedding", "without-condition-is-with",
    "sample-grids-from-random-seeds", "forward-of-one-row", "autocast-off", "weight-decay-zero",
    "no-gradient-clipping", "compile-ignored", "gif-without-hold", "origin-misspelt",
}  # fmt: skip
"""Faults that were once planted by hand, and that no test noticed."""


@pytest.fixture
def mutants():
    return importlib.import_module("mutants")


def test_there_are_many_faults_over_all_that_matters():
    assert len(FAULTS) >= 100
    assert {fault.name for fault in FAULTS} >= NAMED
    areas = Counter(fault.area for fault in FAULTS)
    assert areas.keys() == {
        "checkpoints", "commands", "conditioning", "data", "diffusion", "distillation", "editing",
        "evaluation", "guidance", "network", "reproduce", "training",
    }  # fmt: skip
    assert min(areas.values()) >= 5
    names = Counter(fault.name for fault in FAULTS)
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("area", sorted({fault.area for fault in FAULTS}))
def test_every_fault_can_be_planted_and_is_still_python(area):
    """If this fails after a change of a source file: write the fault's new text into the list."""
    for fault in (fault for fault in FAULTS if fault.area == area):
        text = (ROOT / fault_list.PACKAGE / fault.file).read_text(encoding="utf-8")
        changed = fault.planted(text)
        ast.parse(changed)
        assert changed != text
        assert len(fault.means) > 20, fault.name
        assert fault.tests
        absent = [one for one in fault.tests if not (ROOT / fault_list.TESTS / one).is_file()]
        assert absent == [], fault.name


def test_a_text_that_is_gone_or_stands_twice_is_told():
    fault = fault_list.Fault("area", "gone", "x.py", "it would be bad", "a = 1", "a = 2", ())
    assert fault.planted("a = 1\n") == "a = 2\n"
    for text, count in (("b = 1\n", 0), ("a = 1\na = 1\n", 2)):
        with pytest.raises(ValueError, match=f"gone: its text is {count} times in x.py"):
            fault.planted(text)


def test_the_results_count_what_noticed_a_fault(mutants):
    rows = [
        {"noticed": noticed, "by": "x", "seconds": 1.0}
        for noticed in ("quick", "quick", "slow", None)
    ]
    found = mutants.results(FAULTS[:4], rows)
    measured = [(one["measured"], one["needed"], one["holds"]) for one in found["claims"]]
    assert measured == [(0.75, 1.0, False), (0.5, 0.7, False)]
    assert [row["name"] for row in found["faults"]] == [fault.name for fault in FAULTS[:4]]


def test_an_interrupted_call_goes_on_and_a_changed_fault_is_tried_again(mutants, tmp_path):
    path = tmp_path / "progress.jsonl"
    assert mutants.finished(path) == {}
    row = {"key": mutants.key_of(FAULTS[0]), "noticed": "quick", "by": "x", "seconds": 1.0}
    path.write_text(json.dumps(row) + "\n" + '{"key": "torn')
    done = mutants.finished(path)
    assert done == {row.pop("key"): row}
    other = fault_list.Fault(**{name: getattr(FAULTS[0], name) for name in FAULTS[0].__slots__})
    assert mutants.key_of(other) in done
    changed = {name: getattr(FAULTS[0], name) for name in FAULTS[0].__slots__} | {"after": "pass"}
    assert mutants.key_of(fault_list.Fault(**changed)) not in done


@pytest.mark.slow
def test_a_fault_is_noticed_by_quick_tests_or_by_slow_ones_or_by_none(mutants, tmp_path):
    home = tmp_path / mutants.PACKAGE
    home.mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    (home / "__init__.py").write_text("def twice(x):\n    return 2 * x\n")
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\nmarkers = ["slow"]\n')
    (tmp_path / "tests" / "test_twice.py").write_text(
        "import sys\n"
        "sys.modules.pop('ddpm_clip', None)\n"
        "import pytest\nfrom ddpm_clip import twice\n\n\n"
        "def test_one():\n    assert twice(1) == 2\n\n\n"
        "@pytest.mark.slow\ndef test_two():\n    assert twice(2) == 4\n"
    )

    def tried(after, tests=("test_twice.py",)):
        fault = fault_list.Fault("a", "b", "__init__.py", "means", "2 * x", after, tests)
        return mutants.tried(tmp_path, fault)

    assert tried("x")["noticed"] == "quick"
    assert tried("x")["by"] == "test_twice.py::test_one"
    assert (tried("x + 1")["noticed"], tried("x + 1")["by"]) == ("slow", "test_twice.py::test_two")
    assert tried("x + x")["noticed"] is None
    assert (home / "__init__.py").read_text() == "def twice(x):\n    return 2 * x\n"
    control = fault_list.Fault("a", "b", "__init__.py", "m", "2 * x", "x", ("test_twice.py",))
    slow = [{"noticed": "slow"}]
    assert mutants.control(tmp_path, [control], slow) == []
    (home / "__init__.py").write_text("def twice(x):\n    return 3 * x\n")
    both = ["test_twice.py::test_one", "test_twice.py::test_two"]
    assert mutants.control(tmp_path, [control], slow) == both
    assert mutants.control(tmp_path, [control], [{"noticed": "quick"}]) == both[:1]
    (tmp_path / "tests" / "test_none.py").write_text("")
    empty = fault_list.Fault("a", "b", "__init__.py", "m", "3 * x", "x", ("test_none.py",))
    with pytest.raises(RuntimeError, match="there are no tests"):
        mutants.tried(tmp_path, empty)


def test_a_process_that_has_loaded_the_package_is_refused(mutants, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ddpm_clip", mutants)
    with pytest.raises(RuntimeError, match="would never see a fault"):
        next(mutants.each(tmp_path, FAULTS[:1], quick_only=True))


@pytest.mark.slow
def test_the_program_loads_nothing_of_the_package_itself():
    code = "import sys, mutants; mutants._options(); sys.exit('ddpm_clip' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code, "--dirty"], cwd=ROOT / "benchmarks")
    assert ended.returncode == 0
