"""What a person and what a pipe get: results on stdout, everything else on stderr.

Results are never wrapped or coloured. Errors have one form, whatever raised them. Knows nothing
of commands, and loads nothing heavy.
"""

import json
import sys
import traceback
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddpm_clip.errors import DdpmClipError

SCHEMA_VERSION = 1
"""Of every object that `--json` prints."""

_PACKAGE = str(Path(__file__).resolve().parents[1])


@dataclass
class Manners:
    """How much is said; set once by `main` from the options that every command has.

    Attributes:
        quiet: only results and errors.
        debug: tracebacks too.
        silent: errors alone, since another process of the same training says the rest.
    """

    quiet: bool = False
    debug: bool = False
    silent: bool = False


manners = Manners()


def result(text: str) -> None:
    """One result on stdout, on a line of its own."""
    if manners.silent:
        return
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def result_json(value: dict[str, Any] | list[Any]) -> None:
    """One JSON value on one line of stdout; an object also says its schema version."""
    if isinstance(value, dict):
        value = {"schema_version": SCHEMA_VERSION, **value}
    result(json.dumps(value, default=str))


def say(text: str, *, always: bool = False) -> None:
    """A remark for a person on stderr; with `--quiet` only what must `always` be said."""
    if (always or not manners.quiet) and not manners.silent:
        _to_stderr(text)


def warn(text: str) -> None:
    """A warning on stderr, also with `--quiet`."""
    if not manners.silent:
        _to_stderr(text, "warning", "yellow")


def print_error(error: DdpmClipError) -> None:
    """What happened, why, how to mend it, and the code."""
    _to_stderr(error.what, "error", "bold red")
    lines = [("why", error.why), ("fix", error.fix), ("code", error.code)]
    for name, text in lines:
        if text:
            _to_stderr(f"  {name + ':':<6}{text}")


def print_unexpected(error: BaseException) -> None:
    """One line for what should not happen; the traceback with `--debug`."""
    if manners.debug:
        traceback.print_exception(error, file=sys.stderr)
    reason = (str(error).splitlines() or [""])[0][:300]
    _to_stderr(f"{type(error).__name__}: {reason}", "error", "bold red")
    _to_stderr("  fix:  run it again with --debug and report what it prints")
    _to_stderr("  code: E-INTERNAL")


def on_terminal() -> bool:
    """Whether bars may be drawn on stderr."""
    return sys.stderr.isatty() and not (manners.quiet or manners.silent)


def printable(text: str) -> str:
    """Text that cannot steer a terminal: control characters but newline and tab are spelt out."""
    if text.isprintable():
        return text
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) != "Cc" else f"\\x{ord(c):02x}" for c in text
    )


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Warnings of this package become remarks for a person; those of others need `--debug`."""

    def show(message: Warning | str, category: type[Warning], filename: str, *rest: Any) -> None:
        if manners.debug or str(Path(filename).resolve()).startswith(_PACKAGE):
            warn(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _to_stderr(text: str, label: str = "", style: str = "") -> None:
    """A line on stderr, coloured only on a terminal that wants it (NO_COLOR)."""
    from rich.console import Console
    from rich.text import Text

    line = Text.assemble((label, style), ": " if label else "", printable(text))
    Console(stderr=True).print(line, soft_wrap=True, highlight=False)
