"""The shell blocks of README and the tutorial run, line by line and in the order of the page.

`smoke_size` has what is put behind each line to make it small, and the lines that are not run.
"""

import runpy
import shlex
import shutil
from pathlib import Path

import pytest
from smoke_size import NOT_RUN, SMALLER, folder_of, furnish, smaller
from snippets import FENCE, ROOT

from ddpm_clip.cli.main import main

PAGES = {"README.md": ROOT / "README.md", "tutorial.md": ROOT / "docs" / "tutorial.md"}
SHELLS = ("bash", "sh")


def lines(page: str) -> list[str]:
    """The command lines of a page's shell blocks, without comments."""
    text = PAGES[page].read_text(encoding="utf-8")
    shown = "".join(match[2] for match in FENCE.finditer(text) if match[1] in SHELLS)
    shown = shown.replace("\\\n", " ")
    return [line for line in shown.splitlines() if shlex.split(line, comments=True)]


LINES = {page: lines(page) for page in PAGES}


def run(words: list[str], home: Path) -> object:
    """Run a command line in this process; return its exit code."""
    if words[0] == "ddpm-clip":
        return main(words[1:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", words[1:])
        patch.syspath_prepend(str(home / "scripts"))
        with pytest.raises(SystemExit) as left:
            runpy.run_path(words[1], run_name="__main__")
    return left.value.code


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_line_of_a_page_runs(page, tmp_path, monkeypatch, capsys):
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DDPM_CLIP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for line in LINES[page]:
        if (page, line) in NOT_RUN:
            continue
        words = shlex.split(line, comments=True)
        made = folder_of(words)
        if "train" in words and made:  # the tutorial trains twice under one name, for two readers
            shutil.rmtree(made, ignore_errors=True)
        code = run(smaller(words), tmp_path)
        assert code == 0, f"{page}: {line}\n{capsys.readouterr().err}"
        assert made is None or made.exists(), f"{page}: {line} leaves no {made}"


def test_every_line_is_run_or_listed_with_a_reason():
    """A new line needs its small settings or a reason; a reason needs its line."""
    shown = {(page, line) for page, found in LINES.items() for line in found}
    assert NOT_RUN.keys() - shown == set(), "listed, and on no page"
    run = [" ".join(shlex.split(line)[:2]) for page, line in sorted(shown - NOT_RUN.keys())]
    assert set(run) == set(SMALLER), "the commands on the pages are those that can be made small"
    assert len(run) > 2 * len(NOT_RUN)
    assert all(len(reason.split()) > 3 for reason in NOT_RUN.values())


@pytest.mark.parametrize("page", PAGES)
def test_no_block_hides_its_commands_in_another_language(page):
    text = PAGES[page].read_text(encoding="utf-8")
    found = {match[1] for match in FENCE.finditer(text)}
    assert text.count("\n```") == 2 * len(FENCE.findall(text))
    assert found <= {*SHELLS, "python"}


def test_what_a_page_says_comes_first_and_what_makes_it_small_last():
    words = smaller(["ddpm-clip", "train", "photos/", "--steps", "5000"])
    assert words[:5] == ["ddpm-clip", "train", "photos/", "--steps", "5000"]
    assert words[-2:] == ["--set", "embedder.model=a-clip"]
    named = smaller(["ddpm-clip", "train", "photos/", "--set", "embedder.name=mini_clip"])
    assert "embedder.model=a-clip" not in named
