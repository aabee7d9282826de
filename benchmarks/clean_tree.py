"""A result is measured from committed code, or it says that it was not.

Every program reads its options through `parsed`, which looks at the checkout before anything is
measured. A result that is meant for the pages is refused there while code is uncommitted; with
`--dirty` it is measured all the same, and every page that shows it says so.
"""

import argparse
import functools
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
MAKERS = ("src", "config", "benchmarks", ":(exclude)benchmarks/results")
"""Paths that can affect a figure; earlier results cannot."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The checkout when a measurement began: its commit ("" without git), and what was changed."""

    commit: str
    changes: tuple[str, ...]


@functools.cache
def at_start() -> Tree:
    """Look at the checkout once, as early as possible: that is when the code is loaded."""
    return Tree("".join(_git("rev-parse", "HEAD")), tuple(_changes()))


def is_uncommitted() -> bool:
    """Whether any code may differ from that of the commit: changed at the start, or since."""
    start = at_start()
    if not start.commit or start.changes or _changes():
        return True
    return bool(_git("diff", "--name-only", start.commit, "HEAD", "--", *MAKERS))


def parsed(
    parser: argparse.ArgumentParser, words: Sequence[str] | None = None
) -> argparse.Namespace:
    """Read the options of a program, `--dirty` among them.

    Raises:
        SystemExit: with code 2: the result is one that pages show, code is not committed, and
            `--dirty` was not given.
    """
    parser.add_argument(
        "--dirty",
        action="store_true",
        help="measure with uncommitted code; the result and every page that shows it say so",
    )
    options = parser.parse_args(words)
    changes = at_start().changes
    if changes and not options.dirty and _is_shown(options):
        parser.error(
            f"{len(changes)} uncommitted changes, such as {changes[0].split()[-1]}: a result is "
            "measured from committed code. Commit them, write elsewhere with --out, or say --dirty"
        )
    return options


def has_uncommitted(facts: Any) -> bool:
    """Whether a result, or a part of it, says that it was measured with uncommitted code."""
    if isinstance(facts, dict):
        return bool(facts.get("uncommitted_changes")) or any(
            has_uncommitted(one) for one in facts.values()
        )
    return isinstance(facts, list) and any(has_uncommitted(one) for one in facts)


def _is_shown(options: argparse.Namespace) -> bool:
    """Whether the result would lie among those that pages show; a single trial leaves none."""
    if any(getattr(options, name, None) is not None for name in ("child", "case")):
        return False
    out = getattr(options, "out", None)
    return out is None or Path(out).resolve().is_relative_to(RESULTS)


def _changes() -> list[str]:
    return _git("status", "--porcelain", "--", *MAKERS)


def _git(*words: str) -> list[str]:
    """The lines that a git command prints; none without git, a repository or a commit."""
    try:
        run = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return []
    return run.stdout.splitlines() if run.returncode == 0 else []
