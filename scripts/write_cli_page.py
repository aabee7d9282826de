"""Write docs/cli.md from the commands' own help: `python scripts/write_cli_page.py [--check]`.

With `--check` nothing is written, and the exit code is 1 if the page is out of date.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from ddpm_clip.cli.main import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
WIDTH = 96
HEAD = """# Commands

Written by `scripts/write_cli_page.py` from the help texts; do not edit.

Results go to stdout, everything else to stderr. `--debug` and `-q`/`--quiet` can be given before or
after any command. Exit codes: [Errors](errors.md).

A value can be set in several places; later ones override earlier ones: defaults, `--preset`,
`--config`, the environment (`DDPM_CLIP_TRAINING__LR=1e-4`), `--set`, options.
"""


def page() -> str:
    """The whole page: the help of every command under its name."""
    group: Any = typer.main.get_command(app)
    parts = [HEAD, _block(group, "ddpm-clip")]
    parts += [
        f"## {name}\n\n{_block(command, f'ddpm-clip {name}')}" for name, command in _commands(group)
    ]
    return "\n".join(parts)


def _commands(group: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, command) in the order of `--help`."""
    context = group.make_context("ddpm-clip", [], resilient_parsing=True)
    for name in group.list_commands(context):
        yield name, group.get_command(context, name)


def _block(command: Any, name: str) -> str:
    context = command.make_context(
        name, [], resilient_parsing=True, terminal_width=WIDTH, max_content_width=WIDTH
    )
    lines = [line.rstrip() for line in command.get_help(context).splitlines()]
    return "\n".join(["```text", *lines, "```", ""])


def main() -> int:
    """Write the page, or check it."""
    wanted = page()
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
