"""The field's words: private ones that were replaced do not come back, and the form is kept."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

import ddpm_clip

ROOT = Path(ddpm_clip.__file__).parent


@cache
def trees() -> dict[Path, ast.Module]:
    """Every file of the package, read once."""
    return {
        path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py"))
    }


TYPES = re.compile(
    "Ground|Ways?|Seams|Wish|Wishes|Subject|Witness|Material|Gate|Patience|Desk|Told|World|Part|"
    "Absent|Adviser|Look|SeedClip"
)
"""Names that types had; none of them says to a person of the field what it is."""

OTHERS = re.compile(
    "seams|(with_)?wish(es)?|witness(es)?|material|gate|door|patience|desk|world|adviser|rungs?|"
    "row_of|rows_left|travelling|keeping|steered|seed_(keys|flags|clip|weights)|confined|ahead|"
    "backwards|up_and_down|strangers|two_way|configuring|painting|clip_guiding"
)
"""Names that functions, files and options had."""

MOST_SKIPS, MOST_NOTHINGS = 60, 60


def defined(tree: ast.AST):
    """Every name that a file gives to a type, a function or an argument."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.lineno, node.target.id


def test_no_private_word_names_a_type_a_function_or_a_file():
    assert [str(path) for path in trees() if OTHERS.fullmatch(path.stem)] == []
    wrong = [
        f"{path}:{line} {name}"
        for path, tree in trees().items()
        for line, name in defined(tree)
        if TYPES.fullmatch(name) or OTHERS.fullmatch(name)
    ]
    assert wrong == []


@pytest.mark.slow
def test_no_private_word_names_an_option_or_a_config_key(cli):
    from ddpm_clip.cli.main import COMMANDS
    from ddpm_clip.config.resolve import flatten
    from ddpm_clip.config.schema import Config

    names = [command.__name__.replace("_", "-") for command in COMMANDS]
    helps = " ".join(cli(name, "--help").out for name in names)
    options = set(re.findall(r"--([a-z][\w-]+)", helps))
    keys = {part for key in flatten(Config().model_dump()) for part in key.split(".")}
    assert len(options) > 40
    assert [name for name in options | keys if OTHERS.fullmatch(name.replace("-", "_"))] == []


def test_a_name_has_one_type():
    """Six names meant two or three things each."""
    names = ("Part", "Plan", "Found", "Reading", "Verdict", "Copies", "Section", "Skipped")
    where = dict.fromkeys(names, 0)
    for tree in trees().values():
        for node in tree.body:
            named = getattr(node, "name", None)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                named = node.targets[0].id
            if named in where:
                where[named] += 1
    assert {name: count for name, count in where.items() if count > 1} == {}


def test_the_formatter_wins():
    home = ROOT.parents[1]
    found = subprocess.run(
        ["git", "grep", "-c", "fmt: skip", "--", "*.py"], cwd=home, capture_output=True, text=True
    ).stdout
    counts = [int(line.rpartition(":")[2]) for line in found.splitlines()]
    here = Path(__file__).read_text(encoding="utf-8").count("fmt: skip")
    assert sum(counts) - here <= MOST_SKIPS


def test_a_docstring_says_what_a_file_is_and_seldom_what_it_is_not():
    docs = [ast.get_docstring(tree) or "" for tree in trees().values()]
    assert sum("Knows nothing of" in doc for doc in docs) <= MOST_NOTHINGS
