"""What was documented under another name still works, gives the same thing, and warns once."""

import ast
import importlib
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import ddpm_clip.explain
from ddpm_clip.diffusion.schedules import cosine
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.moved import MODULES, NAMES, former_method

ROOT = Path(__file__).resolve().parents[1]
BY_PATH = sorted(
    path
    for folder in ("src", "tests", "benchmarks", "scripts", "examples")
    for path in (ROOT / folder).rglob("*.py")
    if path.name not in ("moved.py", "test_moved.py")
)


def is_there(module):
    return importlib.util.find_spec(module).origin is not None


def forgotten(module):
    """Import as if for the first time."""
    sys.modules.pop(module, None)
    package, _, name = module.rpartition(".")
    if type(vars(importlib.import_module(package)).get(name)).__name__ == "_Gone":
        delattr(sys.modules[package], name)


def imported(module):
    """As an import statement does it, from here."""
    return __import__(module, fromlist=["_"])


def told_by(work):
    """What it gives, and the warnings on the way."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = work()
    assert {one.category for one in told} <= {DeprecationWarning}
    assert all(one.filename == __file__ for one in told), "it does not point at who asked"
    return found, [str(one.message) for one in told]


@pytest.mark.parametrize("old", MODULES)
def test_a_module_that_is_gone_hands_on_all_that_its_new_places_have(old):
    name = f"ddpm_clip.{old}"
    forgotten(name)
    module, told = told_by(lambda: imported(name))
    assert len(told) == 1
    assert told_by(lambda: imported(name))[1] == []
    homes = [importlib.import_module(f"ddpm_clip.{home}") for home in MODULES[old]]
    for home in homes:
        assert f"{home.__name__}" in told[0]
        own = [key for key, value in vars(home).items() if not key.startswith("_")]
        assert own
        for key in own:
            first = next(place for place in homes if hasattr(place, key))
            if f"{old}.{key}" not in NAMES:
                assert getattr(module, key) is getattr(first, key)


@pytest.mark.parametrize("old", NAMES)
def test_a_name_that_is_called_otherwise_gives_the_same_object(old):
    module, _, name = f"ddpm_clip.{old}".rpartition(".")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = importlib.import_module(module)
    vars(place).pop(name, None)
    home, _, present = f"ddpm_clip.{NAMES[old]}".rpartition(".")
    found, told = told_by(lambda: getattr(place, name))
    assert found is getattr(importlib.import_module(home), present)
    assert told == [
        f"ddpm_clip.{old} is ddpm_clip.{NAMES[old]} now; the old name works until the next release"
    ]
    assert told_by(lambda: getattr(place, name)) == (found, [])


def test_no_line_of_the_tables_stands_for_what_is_there_anyway():
    assert [old for old in MODULES if is_there(f"ddpm_clip.{old}")] == []
    assert [old for old in NAMES if old == NAMES[old]] == []


@pytest.mark.parametrize("module", ["config", "explain", "explain.panels", "pretrained"])
def test_a_name_that_never_was_is_an_attribute_error(module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = importlib.import_module(f"ddpm_clip.{module}")
    with pytest.raises(
        AttributeError, match=f"module 'ddpm_clip.{module}' has no attribute 'Ghost'"
    ):
        _ = place.Ghost
    assert not hasattr(place, "__ghost__")


def test_a_module_that_is_gone_does_not_hide_what_its_package_exports():
    """`explain.words` was a module and a function, and the function is still exported."""
    from ddpm_clip import explain

    forgotten("ddpm_clip.explain.words")
    own = explain.words
    old, _ = told_by(lambda: imported("ddpm_clip.explain.words"))
    assert old.words is own is explain.words


def test_methods_by_their_old_names(monkeypatch):
    changed, told = told_by(lambda: Settings().with_wishes(n=3))
    assert changed == Settings().with_overrides(n=3)
    assert len(told) == 1
    assert told[0].startswith("Settings.with_wishes is Settings.with_overrides now")
    schedule = cosine(100)
    ratio = schedule.sigma / schedule.alpha
    timesteps, told = told_by(lambda: schedule.row_of(ratio))
    assert timesteps.tolist() == schedule.timestep_of(ratio).tolist()
    assert len(told) == 1
    monkeypatch.setattr(TextToImage, "paint_requests", lambda self, *given: given)
    assert told_by(lambda: object.__new__(TextToImage).paint_wishes(1, 2))[0] == (1, 2)
    assert former_method("old", "new").__doc__ == "The former name of `new`."


@pytest.mark.slow
def test_the_warning_reaches_a_person_who_wants_warnings():
    code = "from ddpm_clip.pretrained import load\nfrom ddpm_clip.config import Config"
    command = [sys.executable, "-W", "default", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("DeprecationWarning") == 2
    assert "<string>:1: DeprecationWarning: ddpm_clip.pretrained is" in done.stderr
    assert "<string>:2: DeprecationWarning: ddpm_clip.config.Config is" in done.stderr


def test_the_package_is_imported_without_any_of_it():
    code = "import sys, ddpm_clip; print(*[m for m in sys.modules if m.startswith('ddpm_clip')])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    own = ["ddpm_clip", "ddpm_clip.moved", "ddpm_clip.utils", "ddpm_clip.utils.cpu_threads"]
    assert sorted(done.stdout.split()) == own


@pytest.mark.slow
@pytest.mark.parametrize("path", BY_PATH, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_of_ours_uses_an_old_name(path):
    gone = {f"ddpm_clip.{old}" for old in (*MODULES, *NAMES)}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        exported = {f"ddpm_clip.explain.{name}" for name in ddpm_clip.explain.__all__}
        assert not set(names) & gone - exported
