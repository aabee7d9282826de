"""A result comes from committed code or says that it does not, and nobody edits it afterwards."""

import argparse
import importlib
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOME = ROOT / "benchmarks"
PROGRAMS = sorted(HOME.rglob("*.py"))
RESULTS = sorted((HOME / "results").glob("*.json"))

SINCE = "2026-11-30"
"""Results measured before have no digest."""


@pytest.fixture
def program(monkeypatch):
    """`program("reporting")` imports a module of the benchmarks."""
    monkeypatch.syspath_prepend(str(HOME))
    return importlib.import_module


@pytest.fixture
def tree(program, tmp_path, monkeypatch):
    """`clean_tree`, looking at a small repository with one commit."""
    module = program("clean_tree")
    for name in ("src", "benchmarks/results"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "src" / "code.py").write_text("1\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "RESULTS", tmp_path / "benchmarks" / "results")
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    module.at_start.cache_clear()
    yield module
    module.at_start.cache_clear()


def git(home, *words):
    name = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", "-C", str(home), *name, *words], check=True, capture_output=True)


def commit(home):
    git(home, "add", "-A")
    git(home, "commit", "-qm", "all")


def asked(tree, *words):
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=tree.RESULTS / "speed.json")
    return tree.parsed(parser, words)


def test_a_result_for_the_pages_is_refused_before_it_is_measured(tree, tmp_path, capsys):
    assert not asked(tree).dirty
    (tmp_path / "src" / "code.py").write_text("2\n")
    tree.at_start.cache_clear()
    with pytest.raises(SystemExit) as refused:
        asked(tree)
    assert refused.value.code == 2
    said = capsys.readouterr().err
    assert "src/code.py" in said
    assert "--dirty" in said
    assert asked(tree, "--dirty").dirty
    assert asked(tree, "--out", str(tmp_path / "elsewhere.json")).out.name == "elsewhere.json"


def test_earlier_results_do_not_make_code_uncommitted_and_new_files_do(tree, tmp_path):
    (tmp_path / "benchmarks" / "results" / "other.json").write_text("{}")
    assert not asked(tree).dirty
    assert not tree.is_uncommitted()
    (tmp_path / "benchmarks" / "new.py").write_text("")
    assert tree.is_uncommitted()


@pytest.mark.parametrize("committed", [False, True])
def test_code_that_changes_meanwhile_is_told(tree, tmp_path, committed):
    first = tree.at_start().commit
    (tmp_path / "src" / "code.py").write_text("2\n")
    if committed:
        commit(tmp_path)
    assert tree.at_start().commit == first  # of the code that was loaded
    assert tree.is_uncommitted()


def test_without_git_nothing_is_committed(tree, monkeypatch):
    monkeypatch.setattr(tree, "_git", lambda *words: [])
    tree.at_start.cache_clear()
    assert tree.is_uncommitted()


def test_what_is_written_says_what_its_parts_say_and_has_its_digest(program, tmp_path, monkeypatch):
    reporting = program("reporting")
    monkeypatch.setattr(reporting, "is_uncommitted", lambda: False)
    made = {}
    for name, dirty in (("clean", False), ("dirty", True)):
        parts = {"a": {"uncommitted_changes": dirty}, "b": {"uncommitted_changes": False}}
        reporting.write_results(tmp_path / f"{name}.json", {"parts": parts, "speed": 3})
        facts = json.loads((tmp_path / f"{name}.json").read_text())
        made[name] = facts["made"]
        assert facts["made"]["digest"] == reporting.digest(facts)
        assert facts["made"]["digest"] != reporting.digest(facts | {"speed": 4})
    assert not made["clean"]["uncommitted_changes"]
    assert made["dirty"]["uncommitted_changes"]


def test_a_part_measured_before_keeps_the_mark_of_its_file(program, tmp_path, monkeypatch):
    parts, reporting = program("parts"), program("reporting")
    monkeypatch.setattr(reporting, "is_uncommitted", lambda: False)
    path = tmp_path / "x.json"
    old = {"made": {"uncommitted_changes": True}, "parts": {"a": {"asked": {}}}, "a": {"n": 1}}
    path.write_text(json.dumps(old))
    found = parts.Parts(path, {}, ["a", "b"], lambda found: [])
    assert found.has("a")
    found.measure("b", lambda: {"n": 2})
    facts = json.loads(path.read_text())
    marks = {name: one["uncommitted_changes"] for name, one in facts["parts"].items()}
    assert marks == {"a": True, "b": False}
    assert facts["made"]["uncommitted_changes"]
    found.measure("a", lambda: {"n": 1})
    assert not json.loads(path.read_text())["made"]["uncommitted_changes"]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_every_program_reads_its_options_where_the_tree_is_looked_at(path):
    text = path.read_text(encoding="utf-8")
    if path.stem != "clean_tree":
        assert "parse_args(" not in text
    if re.search(r"^if __name__", text, re.M) and "ArgumentParser(" in text:
        assert "parsed(parser)" in text


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_nobody_edited_a_result(path, program):
    facts = json.loads(path.read_text(encoding="utf-8"))
    digest = facts["made"].get("digest")
    if digest is None:
        assert facts["made"]["date"] < SINCE, "not written by `write_results`"
    else:
        assert digest == program("reporting").digest(facts)


def test_a_recorded_command_names_no_folder_of_this_machine(program, tmp_path):
    words = ["/somewhere/benchmarks/words.py", "--work", str(tmp_path / "discs"), "--n", "3"]
    assert program("reporting").command(words) == "python benchmarks/words.py --work discs --n 3"


def test_no_result_names_a_folder_of_a_machine():
    for path in RESULTS:
        made = json.loads(path.read_text(encoding="utf-8"))["made"]
        assert not any(word.startswith("/") for word in made["command"].split()), path.name
