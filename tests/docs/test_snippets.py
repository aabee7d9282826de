"""What the pages show works: Python blocks run, command lines parse, links lead somewhere."""

import re
import tomllib
from pathlib import Path

import pytest
import typer
from snippets import PAGES, ROOT, Block, blocks, commands

from ddpm_clip.cli.main import app

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINK = re.compile(r"\]\(([^)\s]+)\)")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_python_block_runs(block: Block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scope = {"__name__": "snippet"}
    exec(compile("import torch\n" + block.text, str(block), "exec"), scope)
    assert len(scope) > 2


@pytest.mark.slow
def test_the_long_example_paints_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    long = max((b for b in blocks("python") if b.page.name == "python.md"), key=lambda b: b.line)
    scope: dict = {}
    exec(compile(long.text, str(long), "exec"), scope)
    assert scope["images"].shape == (2, 3, 32, 32)
    red, purple = scope["images"][:, :, 8:24, 8:24].mean((2, 3))  # (3,) each
    assert red[0] > red[2] + 0.1  # the rose is red, not blue
    assert purple[2] > purple[1] + 0.1  # the tulip is not green
    assert (tmp_path / "flowers.png").is_file()


def unknown_flags(source: str, words: list[str]) -> list[str]:
    """Flags that a script neither reads itself nor can hand on to a command of ours."""
    commands = typer.main.get_command(app).commands.values()
    ours = {flag for command in commands for option in command.params for flag in option.opts}
    given = [word for word in words if word.startswith("--")]
    return [flag for flag in given if f'"{flag}"' not in source and flag not in ours]


@pytest.mark.slow
@pytest.mark.parametrize(("place", "words"), commands(), ids=lambda value: str(value)[:60])
def test_a_command_line_can_be_read(place: str, words: list[str]):
    program, *rest = words
    if program == "ddpm-clip":
        group = typer.main.get_command(app)
        name = rest[0]
        assert name in group.commands, f"{place}: ddpm-clip has no command {name}"
        group.commands[name].make_context(name, rest[1:])  # raises where an option is unknown
    elif program == "make":
        assert rest[0] in TARGETS, f"{place}: the Makefile has no {rest[0]}"
    elif program == "pip":
        extras = re.findall(r"\[(.*)\]", words[-1])[0].split(",")
        assert set(extras) <= PROJECT["optional-dependencies"].keys(), (
            f"{place}: there is no such extra"
        )
    else:
        assert program == "python", f"{place}: how is one to run {program}?"
        script = ROOT / rest[0]
        assert script.is_file(), f"{place}: there is no {rest[0]}"
        assert unknown_flags(script.read_text(encoding="utf-8"), rest[1:]) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path):
    targets = {link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8"))}
    local = {link for link in targets if link and "://" not in link}
    assert [link for link in sorted(local) if not (page.parent / link).exists()] == []
