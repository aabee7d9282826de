"""The public workflow and the forms: they parse, and what they run is what the Makefile runs."""

import re
import shlex
import subprocess
import tomllib

import pytest
import yaml
from snippets import ROOT

GITHUB = ROOT / ".github"
WORKFLOW = yaml.safe_load((GITHUB / "workflows" / "checks.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
VERSIONS = ["3.11", "3.12", "3.13"]


def runs(job: str) -> list[str]:
    """The command lines of a job."""
    return [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step]


def recipe(target: str) -> list[str]:
    """What make would run for a target, with the interpreter named as the workflow names it."""
    command = [
        "make",
        "-C",
        str(ROOT),
        "--no-print-directory",
        "--dry-run",
        "--always-make",
        "BIN=BIN",
        target,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [line.replace("BIN/python", "python") for line in done.stdout.splitlines()]


def test_every_command_is_one_of_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
    lines = [line for job in WORKFLOW["jobs"] for line in runs(job)]
    made = {line.partition(" ")[2] for line in lines if line.startswith("make ")}
    assert made <= targets
    assert made == {"check", "test", "dist"}
    others = [line for line in lines if not line.startswith("make ")]
    assert others == runs("quick")


def test_the_quick_job_does_what_make_does():
    install, suite = runs("quick")
    made = recipe("test-quick")
    assert shlex.split(suite) == shlex.split(made[-1])
    (line,) = [one for one in made if "pip install" in one]
    wanted = shlex.split(line)
    for option in ("-qq", "--disable-pip-version-check"):
        wanted.remove(option)  # the environment of the workflow says the second
    assert shlex.split(install) == wanted
    assert WORKFLOW["env"]["PIP_DISABLE_PIP_VERSION_CHECK"] == "1"


def test_it_runs_on_three_systems_and_every_python_that_is_promised():
    matrix = WORKFLOW["jobs"]["quick"]["strategy"]["matrix"]
    assert [system.partition("-")[0] for system in matrix["os"]] == ["ubuntu", "macos", "windows"]
    assert matrix["python"] == VERSIONS  # as text: 3.10 would be the number 3.1
    promised = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"]]
    assert [one for one in promised if re.fullmatch(r"3\.\d+", one)] == VERSIONS
    assert PROJECT["project"]["requires-python"] == ">=3.11"


def test_it_starts_on_changes_has_an_end_and_may_write_nothing():
    assert set(WORKFLOW[True]) == {"push", "pull_request"}  # YAML reads the key `on` as true
    assert WORKFLOW["permissions"] == {"contents": "read"}
    for job in WORKFLOW["jobs"].values():
        assert 0 < job["timeout-minutes"] <= 90
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert used[0].startswith("actions/checkout@")
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", one) for one in used)


def test_the_variables_are_known():
    assert "TORCH_INDEX" in WORKFLOW["env"]
    assert re.search(r"^TORCH_INDEX \?=", MAKEFILE, re.M)


@pytest.mark.parametrize("name", ["bug.yml", "idea.yml"])
def test_a_form_is_one(name):
    form = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / name).read_text(encoding="utf-8"))
    assert form["name"]
    assert form["description"]
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in fields}) == len(fields)
    assert all(part["attributes"]["label"] for part in fields)
    assert any(part.get("validations", {}).get("required") for part in fields)


def test_what_a_request_promises_exists():
    text = (GITHUB / "PULL_REQUEST_TEMPLATE.md").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z-]+)`", text):
        assert re.search(rf"^{target}:", MAKEFILE, re.M)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (GITHUB / link).is_file()
