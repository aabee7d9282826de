"""The house of docs/architecture.md: floors, circles, sizes, and what each room says of itself."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import ddpm_clip

ROOT = Path(ddpm_clip.__file__).parent
FLOORS = {
    "utils": 0, "moved": 0,
    "types": 1, "registry": 1, "errors": 1, "config": 1,
    "diffusion": 2, "statistics": 2,
    "models": 3, "embedders": 3, "data": 3, "weights": 3, "presets": 3,
    "conditioning": 4, "build": 5, "runs": 6, "coverage": 7, "generation": 8, "editing": 9,
    "legacy_functions": 9,
    "reproducing": 10, "training": 11, "reports": 12, "evaluation": 13, "explain": 14, "course": 15,
    "server": 16, "studio": 17, "cli": 18, "__main__": 19,
}  # fmt: skip
ALONE = {"models", "embedders", "data"}  # on one floor, and never meet
FLAT = {"cli/commands"}  # a list of like things, one file a command
MOST_FILES, MOST_LINES, MOST_STATEMENTS = 12, 300, 30
CORE_LINES = 3500

LESSONS = ROOT / "course" / "lessons"  # percent scripts: data that is run, and never imported
FILES = sorted(path for path in ROOT.rglob("*.py") if path.parent != LESSONS)
ROOMS = sorted({path.parent for path in FILES} - {ROOT})


@cache
def trees() -> dict[Path, ast.Module]:
    """Every file of the package, read once."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def module(path: Path) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("ddpm_clip", *(parts[:-1] if parts[-1] == "__init__" else parts)))


MODULES = {module(path): path for path in FILES}


def home(name: str) -> str:
    """The room, or the file at the top, that a dotted name belongs to; '' is the shop window."""
    return name.split(".")[1] if "." in name else ""


@cache
def imported(tree: ast.AST, *, typing: bool = True):
    """(line, module) of every import of ours, wherever in the file it stands."""
    return list(_imported(tree, typing))


def _imported(tree: ast.AST, typing: bool):
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not typing:
            skipped |= set(ast.walk(node))
        if node in skipped:
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"relative import in line {node.lineno}"
            wholes = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [whole if whole in MODULES else node.module for whole in wholes]
        for name in names:
            if name.startswith("ddpm_clip."):
                yield node.lineno, name


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Nodes that reach each other (Tarjan 1972), each circle sorted."""
    number, low, stack, found = {}, {}, [], []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in number:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == number[node]:
            at = stack.index(node)
            found.append(sorted(stack[at:]))
            del stack[at:]

    for node in graph:
        if node not in number:
            visit(node)
    return [circle for circle in found if len(circle) > 1]


def meaning(path: Path) -> dict[str, set[str]]:
    return {name for _, name in imported(trees()[path], typing=False)} - {module(path)}


@cache
def import_graph() -> dict[str, set[str]]:
    """Module -> those of ours that it imports."""
    return {name: meaning(path) & set(MODULES) for name, path in MODULES.items()}


def test_imports_only_go_down():
    wrong = []
    for path in FILES:
        here = home(module(path))
        for line, name in imported(trees()[path]):
            there = home(name)
            below = not here or FLOORS[there] <= FLOORS[here]
            beside = there != here and FLOORS[there] == FLOORS.get(here) and here in ALONE
            wrong += [] if below and not beside else [f"{path}:{line} imports {there}"]
    assert wrong == []


def test_no_file_imports_itself_by_way_of_others():
    assert circles(import_graph()) == []


@pytest.mark.parametrize("package", ["ddpm_clip", *(module(room / "x.py")[:-2] for room in ROOMS)])
def test_no_two_rooms_beside_each_other_import_each_other(package):
    """Of the files and folders in a folder; a package's own `__init__` only hands names on."""
    graph = defaultdict(set)

    def inside(name: str) -> str | None:
        rest = name.removeprefix(package + ".")
        return rest.split(".")[0] if rest != name else None

    for name, others in import_graph().items():
        here = inside(name)
        graph[here] |= {there for other in others if (there := inside(other))} - {here}
    graph.pop(None, None)
    assert circles(graph) == []


def test_a_circle_would_be_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_a_room_holds_few_files_and_lists_them(room):
    files = [path for path in room.iterdir() if path.is_file() and path.name != "__init__.py"]
    if str(room.relative_to(ROOT)) not in FLAT:
        assert len(files) <= MOST_FILES, [path.name for path in files]
    if not (room / "__init__.py").is_file():
        pytest.fail(f"{room} has no __init__.py")
    contents = ast.get_docstring(trees()[room / "__init__.py"]) or ""
    listed = re.findall(r"^- `([\w/]+)`: \S", contents, re.MULTILINE)
    there = [f"{path.name}/" for path in ROOMS if path.parent == room]
    there += [path.stem for path in files if path.suffix == ".py"]
    assert sorted(listed) == sorted(there)
    assert contents.split("\n\n")[0].endswith((".", "?", "`.")), "one sentence on what it is for"


def test_a_file_can_be_read_in_one_go():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {str(path): n for path, n in lines.items() if n > MOST_LINES} == {}


def test_a_function_does_one_thing():
    """As ruff's PLR0915 counts: statements of a function, those of functions inside it included."""
    long = []
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                statements = sum(isinstance(inner, ast.stmt) for inner in ast.walk(node)) - 1
                long += (
                    [f"{path}:{node.lineno} {node.name}"] if statements > MOST_STATEMENTS else []
                )
    assert long == []


def test_no_exported_name_hides_a_file():
    """`samplers.ddim` is either a function or a file."""
    for room in ROOMS:
        here = module(room / "__init__.py")
        exported = {
            alias.asname or alias.name
            for node in trees()[room / "__init__.py"].body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        beside = {name.removeprefix(here + ".") for name in MODULES if name.startswith(here + ".")}
        assert exported & {name for name in beside if "." not in name} == set(), here


def test_the_core_can_be_read_in_an_afternoon():
    """The reading path of docs/architecture.md: files that are there, and few lines of them."""
    page = (ROOT.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    path = page.split("## Read these in this order")[1].split("\n## ")[0]
    names = re.findall(r"`([\w/]+\.py)`", path)
    assert len(names) > 10
    lines = [len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in names]
    assert sum(lines) <= CORE_LINES


def test_no_two_test_files_have_one_name():
    """A clone without compiled files cannot collect them; here stale ones hide it."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)
