"""Imports only go down: the floors of docs/architecture.md, read from every syntax tree."""

import ast
from pathlib import Path

import pytest

import ddpm_clip

ROOT = Path(ddpm_clip.__file__).parent
FLOORS = {
    "utils": 0,
    "types": 1, "registry": 1, "config": 1, "configuring": 1, "errors": 1, "seed_keys": 1,
    "diffusion": 2, "nearest": 2,
    "models": 3, "embedders": 3, "data": 3, "weights": 3, "presets": 3,
    "conditioning": 4, "bridges": 4, "prior": 4, "closeness": 4, "build": 5,
    "checkpoints": 6, "run": 6, "conditioner_files": 6, "pretrained": 6,
    "coverage": 7, "clip_guiding": 7, "generation": 7, "settings": 7, "painting": 7, "editing": 7,
    "reproducing": 7,
    "legacy": 7, "training": 8, "evaluation": 9, "explain": 10,
    "cli": 11, "studio": 11, "server": 11, "__main__": 12,
}  # fmt: skip
ALONE = {"models", "embedders", "data", "cli", "studio", "server"}  # never meet a sibling
FILES = sorted(ROOT.rglob("*.py"))


def home(parts):
    """The part of the house that a path or a dotted name belongs to; '' is the shop window."""
    return parts[0].removesuffix(".py") if parts and parts[0] != "__init__.py" else ""


def imported(tree):
    """(line, part) of every import of ours, wherever in the file it stands."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"relative import in line {node.lineno}"
            whole = node.module == "ddpm_clip"
            names = [f"ddpm_clip.{a.name}" if whole else node.module for a in node.names]
        for name in names:
            if name.startswith("ddpm_clip.") and "__" not in name:
                yield node.lineno, name.split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_go_down(path):
    here = home(path.relative_to(ROOT).parts)
    for line, there in imported(ast.parse(path.read_text(encoding="utf-8"))):
        below = not here or FLOORS[there] <= FLOORS[here]
        sideways = there != here and FLOORS[there] == FLOORS.get(here) and here in ALONE
        fine = below and not sideways
        assert fine, f"{path}:{line} imports {there} (floor {FLOORS[there]})"


def test_no_two_test_files_have_one_name():
    """A clone without compiled files cannot collect them; here stale ones hide it."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)
