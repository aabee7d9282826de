"""Where figures come from: the commit of this code, and of no other."""

import shutil
import subprocess

import pytest

from ddpm_clip.reports import provenance as module
from ddpm_clip.reports.provenance import commit, provenance


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with one committed package in it, which is taken for ours."""
    if shutil.which("git") is None:
        return None
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    monkeypatch.setattr(module, "PACKAGE", package)
    return package


def test_a_checkout_names_its_commit_and_whether_it_was_edited(checkout):
    if checkout is not None:
        assert len(commit()) == 40
        (checkout / "__init__.py").write_text("edited")
        assert commit().endswith(" + changes")


def test_a_package_inside_the_checkout_of_another_project_has_no_commit(checkout):
    if checkout is not None:
        inner = checkout / "installed"
        inner.mkdir()
        (inner / "__init__.py").write_text("")
        module.PACKAGE = inner
        assert commit() == ""


def test_no_git_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit() == ""


def test_no_path_of_this_machine_is_told():
    made = provenance()
    assert {"date", "commit", "ddpm_clip", "torch"} <= made.keys()
    assert not [value for value in made.values() if "/" in str(value)]
