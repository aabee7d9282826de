"""The Makefile, the pinned versions and the demo: what a stranger meets first."""

import re
import runpy
import subprocess
import sys
import tomllib

import pytest
import yaml
from snippets import ROOT

import ddpm_clip

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINS = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line[:1] != "#"]


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """A dry run of make."""
    command = ["make", "-C", str(ROOT), "--dry-run", "--always-make", *words]
    return subprocess.run(command, capture_output=True, text=True)


def test_every_pin_is_exact():
    assert [pin for pin in PINS if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []


def test_torch_is_pinned_without_a_build_and_torchvision_is_absent():
    assert "torch==2.13.0" in PINS
    assert [
        pin for pin in PINS if pin.startswith(("torchvision", "nvidia", "open_clip", "timm"))
    ] == []


@pytest.mark.parametrize("target", ["demo", "test", "check", "docs", "models", "bench", "clean"])
def test_a_target_is_there(target):
    assert make(target).returncode == 0, make(target).stderr


def test_every_install_goes_through_the_pins():
    installs = [
        line
        for line in make("test", "demo", "check", "docs").stdout.splitlines()
        if "pip install" in line
    ]
    assert len(installs) == 4
    assert all("-c constraints.txt" in line for line in installs)


def test_a_further_index_is_used_only_where_it_is_named():
    assert "--extra-index-url" not in make("demo").stdout
    assert (
        "--extra-index-url https://x.test/cpu"
        in make("demo", "TORCH_INDEX=https://x.test/cpu").stdout
    )


def test_an_old_python_is_refused_in_words(tmp_path):
    old = tmp_path / "python-old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    command = ["make", "-C", str(ROOT), f"VENV={tmp_path / 'venv'}", f"PYTHON={old}", "demo"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode != 0
    assert "needs Python 3.11 or newer" in run.stderr
    assert not (tmp_path / "venv").exists()


def test_the_demo_shows_the_commands_it_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["demo.py", "--count", "3", "--steps", "2"])
    demo = runpy.run_path(str(ROOT / "examples" / "demo.py"))
    ran = []

    def record(command, **options):
        ran.append([str(word) for word in command[1:]])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", record)
    demo["main"]()
    shown = capsys.readouterr().out
    assert [words[0] for words in ran] == ["generate", "generate", "train", "generate"]
    assert ran[2][ran[2].index("--init") + 1] == "flowers"
    assert "$ ddpm-clip train demo/photos --preset flowers" in shown
    assert len(list((tmp_path / "demo" / "photos").glob("*.png"))) == 3
    assert shown.rstrip().endswith(str(tmp_path / "demo" / "painted" / "grid.png"))


def test_the_demo_ends_where_a_command_fails(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["demo.py", "--count", "3"])
    demo = runpy.run_path(str(ROOT / "examples" / "demo.py"))
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 66)
    )
    with pytest.raises(SystemExit, match="66"):
        demo["main"]()


def test_the_citation_speaks_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == ddpm_clip.__version__
    assert citation["license"] == "MIT"
    assert f"## {ddpm_clip.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_a_package_index_gets_no_link_or_picture_that_it_cannot_show():
    hook = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = (ROOT / hook["fragments"][0]["path"]).read_text(encoding="utf-8")
    assert re.search(r"\]\((?!https?:)", text)  # there are some to be replaced
    for one in hook["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    assert re.findall(r"!?\[[^\]]*\]\((?!https?:)[^)]*\)", text) == []
    assert "https://github.com/SCiarella/xNoise" in text
