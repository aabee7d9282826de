"""The pages keep up with the code: generated ones are compared, the others name everything."""

import importlib
import pkgutil
import re
import runpy
from types import ModuleType

import pytest
from snippets import PAGES, ROOT

import ddpm_clip
from ddpm_clip.data.pictures.images import REASONS
from ddpm_clip.errors import DdpmClipError
from ddpm_clip.registry import Registry

GENERATED = ("write_cli_page", "write_config_page")


def modules() -> list[ModuleType]:
    """Everything in the package."""
    found = pkgutil.walk_packages(ddpm_clip.__path__, "ddpm_clip.")
    return [importlib.import_module(module.name) for module in found]


def families() -> list[Registry]:
    """Every registry of the package."""
    values = [value for module in modules() for value in vars(module).values()]
    return list({id(value): value for value in values if isinstance(value, Registry)}.values())


def errors() -> list[type[DdpmClipError]]:
    """Every class of refusal."""
    modules()
    found, waiting = [], [DdpmClipError]
    while waiting:
        found.append(waiting.pop())
        waiting += found[-1].__subclasses__()
    return [kind for kind in found if kind.__module__.startswith("ddpm_clip")]


def docs() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_what_its_script_writes(name):
    script = runpy.run_path(str(ROOT / "scripts" / f"{name}.py"))
    page = script["PAGE"].read_text(encoding="utf-8")
    assert page == script["page"](), f"run: python scripts/{name}.py"


def test_the_figures_are_those_of_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    script = runpy.run_path(str(ROOT / "scripts" / "fill_figures.py"))
    assert {page for page, _, _ in script["BLOCKS"]} >= {"README.md", "docs/figures.md"}
    for page, mark, body in script["BLOCKS"]:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert text == script["filled"](text, mark, body()), "run: python scripts/fill_figures.py"


def test_figures_come_out_of_the_results_as_tables(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    script = runpy.run_path(str(ROOT / "scripts" / "fill_figures.py"))
    count = {"n": 200, "success": 197, "share": 0.985, "interval_95": [0.957, 0.995]}
    weak = count | {"success": 190, "share": 0.95}
    table = {"total": count, "values": {"digit: six": count, "digit: nine": weak}}
    poor = {"total": count | {"share": 0.9}}
    facts = {
        "made": {"date": "2026-01-02T03:04:05", "cpu": "a cpu", "torch": "2"},
        "steps": 20,
        "bridge": "shift",
        "model_fingerprint": "abc",
        "words": table,
        "unseen_phrasings": table,
        "judge": {"figures": {"accuracy": {"digit": 0.996}}},
        "bridges_and_ceiling": {
            "identity": poor,
            "shift": table,
            "image embeddings (ceiling)": table,
        },
    }
    import json

    (tmp_path / "digits_from_words.json").write_text(json.dumps(facts), encoding="utf-8")
    body = script["figures"](tmp_path)
    assert "98.5% | 95.7% to 99.5% | 197 of 200 |" in body
    assert "weakest of these, digit: nine | 95.0%" in body
    assert "bridge `identity`" in body
    assert "digit 99.6%" in body
    told = script["headline"](tmp_path)
    assert "98.5% (95.7% to 99.5%) of 200 pictures. On the same seeds" in told
    assert "90.0% (95.7% to 99.5%) of 200 pictures without any" in told
    assert "`flowers`" not in told  # it has not been measured
    assert script["headline"](tmp_path / "nowhere") == script["NOTHING"]


@pytest.mark.parametrize("family", families(), ids=lambda family: family.family)
def test_every_entry_of_a_registry_is_named_in_the_docs(family):
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    assert [name for name in family if f"`{name}`" not in text] == []


@pytest.mark.parametrize("kind", errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_its_row(kind):
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| `{kind.code}` \| {kind.exit_code} \| `{kind.__name__}`", text, re.M)


def test_every_reason_to_leave_a_picture_out_has_its_row():
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert [reason for reason in REASONS if f"| `{reason}` |" not in text] == []


def test_the_tour_of_commands_lists_every_exit_code():
    text = (ROOT / "docs" / "commands-tour.md").read_text(encoding="utf-8")
    codes = {kind.exit_code for kind in errors()} | {0, 130, 143}
    assert [code for code in sorted(codes) if f"| {code} |" not in text] == []


def test_the_readme_stays_a_front_door():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_architecture_page_names_every_part_of_the_package():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    parts = [
        module.name + ("/" if module.ispkg else ".py")
        for module in pkgutil.iter_modules(ddpm_clip.__path__)
    ]
    assert [part for part in parts if part not in text] == []


def test_every_page_is_in_the_navigation_and_the_other_way_round():
    listed = set(re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M))
    assert listed == {page.name for page in (ROOT / "docs").glob("*.md")}


def test_the_documentation_never_speaks_of_torchvision_as_a_need():
    assert "import torchvision" not in docs()
    assert "pip install torchvision" not in docs()


def test_the_page_of_the_three_tasks_shows_what_was_measured(tmp_path):
    import json

    script = runpy.run_path(str(ROOT / "scripts" / "fill_tasks.py"))
    text = script["PAGE"].read_text(encoding="utf-8")
    assert text == script["fill"].__globals__["filled"](text, "tasks", script["body"]()), (
        "run: scripts/fill_tasks.py"
    )
    made = {"made": {"date": "2026-01-02T03:04:05", "cpu": "a cpu"}, "model_fingerprint": "abc"}
    count = {"n": 200, "success": 190, "share": 0.95, "read": 196, "interval_95": [0.91, 0.97]}
    way = {
        "total": count,
        "values": {"digit: one": count | {"share": 0.34}},
        "guides_loss": 0.125,
        "seconds_a_picture": 0.5,
    }
    facts = {
        "clip_guidance": made | {"ways": {"guided": way}},
        "sensitivity": made
        | {"tables": {"steps": {"20": count}}, "dog": {"by gradient": {"rejected": count}}},
    }
    for name, one in facts.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(one), encoding="utf-8")
    body = script["body"](tmp_path)
    assert "| guided | 95.0% | 91.0% to 97.0% | 200 | one 34% | 98.0% | 0.12 | 0.50 |" in body
    assert "| “dog” by gradient | 95.0% |" in body
