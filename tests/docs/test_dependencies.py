"""Every package that is needed has its pin and its licence, and none is under strong copyleft."""

import re
import runpy
import subprocess
import sys

import pytest
from snippets import ROOT

PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return runpy.run_path(str(ROOT / "scripts" / "installed.py"))


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return runpy.run_path(str(ROOT / "scripts" / "write_licences_page.py"))


class Said:
    """Metadata of a package that says this of its licence."""

    name, version = "thing", "1"

    def __init__(self, *classifiers, **fields):
        self.classifiers, self.fields = list(classifiers), fields
        self.metadata = self

    def get(self, name):
        return self.fields.get(name.replace("-", "_"))

    def get_all(self, name):
        return self.classifiers


@pytest.mark.slow
def test_everything_that_is_needed_and_installed_is_pinned(installed):
    assert installed["not_pinned"]() == []


@pytest.mark.slow
def test_what_others_need_is_followed_to_its_end(installed):
    needs = installed["needs"]()
    assert needs["torch"].group == "runtime"
    assert installed["OURS"] in needs["torch"].by
    assert needs["mpmath"].by == ("sympy",)  # torch needs sympy
    assert needs["pytest"].group == "development"
    assert not needs.keys() & {"pip", installed["OURS"]}


@pytest.mark.slow
def test_a_missing_pin_and_another_version_are_told(installed, monkeypatch, tmp_path):
    pins = installed["pins"]() | {"numpy": "0.1"}
    del pins["mpmath"]
    monkeypatch.setitem(installed["not_pinned"].__globals__, "pins", lambda: pins)
    told = "\n".join(installed["not_pinned"]())
    assert re.search(r"^mpmath \S+ has no pin; sympy needs it$", told, re.M)
    assert re.search(r"^numpy \S+ is installed, 0.1 is pinned$", told, re.M)
    assert len(told.splitlines()) == 2


@pytest.mark.slow
def test_the_command_says_so_and_leaves_with_0():
    command = [sys.executable, str(ROOT / "scripts" / "check_pins.py")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "each at its pinned version" in done.stdout


@pytest.mark.slow
def test_the_page_has_every_package_that_is_installed_or_pinned(script):
    assert script["behind"](PAGE) == [], "run: python scripts/write_licences_page.py"


@pytest.mark.slow
def test_a_page_that_lacks_one_is_behind(script):
    without = "\n".join(line for line in PAGE.splitlines() if not line.startswith("| numpy "))
    assert [line.split()[0] for line in script["behind"](without)] == ["numpy", "numpy"]
    other = PAGE.replace("| typer | 0.29.2 | MIT", "| typer | 0.29.2 | GPL-3.0-only")
    assert script["behind"](other) == ["typer 0.29.2 MIT"]


def test_no_licence_is_strong_copyleft_and_weak_ones_are_marked():
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    licences = {row[0]: row[2] for row in rows if row[0] not in ("package", "---")}
    assert len(licences) > 90
    assert not [one for one in licences.values() if re.search(r"\b[AL]?GPL|SSPL|EUPL", one)]
    weak = {name for name, one in licences.items() if re.search("MPL|EPL|CDDL", one)}
    assert weak == {name for name in licences if name.endswith("†")}


def test_each_package_that_we_ask_for_says_what_it_is_for(script, installed):
    assert installed["direct_names"]() == script["PURPOSE"].keys()


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        (Said(License_Expression="MIT AND Zlib"), "MIT AND Zlib"),
        (Said("License :: OSI Approved :: BSD License", License="BSD-3-Clause"), "BSD-3-Clause"),
        (Said("License :: OSI Approved :: BSD License", License="BSD"), "BSD"),
        (Said("License :: OSI Approved :: MIT License", License="Copyright (c)\nand so on"), "MIT"),
        (Said(License="Apache 2.0 License"), "Apache-2.0"),
    ],
)
def test_a_licence_is_read_as_it_is_said(script, said, licence):
    assert script["licence"](said) == licence


@pytest.mark.parametrize("said", [Said(), Said(License="UNKNOWN"), Said(License="do as you like!")])
def test_a_package_that_says_none_is_an_error(script, said):
    with pytest.raises(ValueError, match="thing 1 declares no known licence"):
        script["licence"](said)
