"""Output of all commands: results on stdout, messages, warnings and errors on stderr.

Results are never wrapped or coloured. All errors are printed in the same form. Nothing heavy is
imported here.
"""

import json
import sys
import traceback
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ddpm_clip.errors import DdpmClipError, DdpmClipWarning

SCHEMA_VERSION = 1
"""Schema version of every object that `--json` prints."""


@dataclass
class Verbosity:
    """How much is printed; set by `main` from the options that every command has.

    Attributes:
        quiet: print only results, warnings and errors.
        debug: print tracebacks too.
        silent: print only errors, because another process of the same training prints the rest.
    """

    quiet: bool = False
    debug: bool = False
    silent: bool = False


verbosity = Verbosity()


def result(text: str) -> None:
    """Print one result on stdout, on a separate line."""
    if verbosity.silent:
        return
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def result_json(value: dict[str, Any] | list[Any]) -> None:
    """Print a JSON value on one line of stdout; objects get a schema version."""
    if isinstance(value, dict):
        value = {"schema_version": SCHEMA_VERSION, **value}
    result(json.dumps(value, default=str))


def say(text: str, *, always: bool = False) -> None:
    """Print a message on stderr; with `--quiet` only if `always` is set."""
    if (always or not verbosity.quiet) and not verbosity.silent:
        _to_stderr(text)


def warn(text: str) -> None:
    """Print a warning on stderr, even with `--quiet`."""
    if not verbosity.silent:
        _to_stderr(text, "warning", "yellow")


def print_error(error: DdpmClipError) -> None:
    """Print what happened, why, how to fix it, and the error code."""
    _to_stderr(error.what, "error", "bold red")
    lines = [("why", error.why), ("fix", error.fix), ("code", error.code)]
    for name, text in lines:
        if text:
            _to_stderr(f"  {name + ':':<6}{text}")


def print_unexpected(error: BaseException) -> None:
    """Print an unexpected error in one line; with `--debug`, also the traceback."""
    if verbosity.debug:
        traceback.print_exception(error, file=sys.stderr)
    reason = (str(error).splitlines() or [""])[0][:300]
    _to_stderr(f"{type(error).__name__}: {reason}", "error", "bold red")
    _to_stderr("  fix:  run the command again with --debug and report the output")
    _to_stderr("  code: E-INTERNAL")


def on_terminal() -> bool:
    """Return whether progress bars may be drawn on stderr."""
    return sys.stderr.isatty() and not (verbosity.quiet or verbosity.silent)


def printable(text: str) -> str:
    """Escape control characters except newline and tab, so that text cannot control a terminal."""
    if text.isprintable():
        return text
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) != "Cc" else f"\\x{ord(c):02x}" for c in text
    )


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Print each warning of this package once; those of other packages only with `--debug`."""
    printed = set[str]()

    def show(message: Warning | str, category: type[Warning], *rest: Any) -> None:
        if (ours := issubclass(category, DdpmClipWarning)) or verbosity.debug:
            if ours and str(message) in printed:
                return
            printed.add(str(message))
            warn(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _to_stderr(text: str, label: str = "", style: str = "") -> None:
    """Print a line on stderr, coloured only on a terminal without NO_COLOR."""
    from rich.console import Console
    from rich.text import Text

    line = Text.assemble((label, style), ": " if label else "", printable(text))
    Console(stderr=True).print(line, soft_wrap=True, highlight=False)
