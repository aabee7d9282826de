"""Fill the figures of docs/reliability.md from what the soaks wrote to benchmarks/results/.

    python scripts/fill_reliability.py [--check]

Every result that a program under benchmarks/soak/ wrote has its table, a row a claim. With
`--check` nothing is written, and the exit code is 1 where the page has fallen behind. Knows nothing
of how anything was measured.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from marked_pages import fill

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE, MARK = ROOT / "docs" / "reliability.md", "soak"
NOTHING = "Not measured yet for this version."
FOLDER = "benchmarks/soak/"
ORDER = ("crash_points", "kill9", "signals", "races", "damaged", "bad_files", "reproduce")
"""Of the results that have a place; others follow by name."""


def body(folder: Path = RESULTS) -> str:
    """Everything that the soaks measured, as Markdown."""
    found = {}
    for path in folder.glob("*.json"):
        facts = json.loads(path.read_text(encoding="utf-8"))
        if FOLDER in str(facts.get("made", {}).get("command")):
            found[path.stem] = facts
    names = [name for name in ORDER if name in found]
    names += sorted(found.keys() - set(ORDER))
    return "\n\n".join(_table(found[name]) for name in names) or NOTHING


def _table(facts: Mapping[str, Any]) -> str:
    made = facts["made"]
    program = made["command"].split()[1]
    lines = [f"| `{program}` | measured | needed | |", "|---|--:|--:|---|"]
    for one in facts["claims"]:
        unit, bar = one.get("unit", "%"), "at most" if one.get("at_most") else "at least"
        verdict = "holds" if one["holds"] else "**fails**"
        lines.append(
            f"| {one['claim']} | {_said(one['measured'], unit)} "
            f"| {bar} {_said(one['needed'], unit)} | {verdict} |"
        )
    lines += ["", f"{made['date'][:10]}, {made['cpu']}, torch {made['torch']}."]
    return "\n".join(lines)


def _said(value: float | None, unit: str) -> str:
    """A figure as people read it: shares in per cent, counts bare, all else in its unit."""
    if value is None:
        return "never"
    if unit == "%":
        return f"{100 * value:.3g} %"
    return f"{value:.3g} {unit}" if unit in ("s", "MiB") else f"{value:,.4g}"


def main() -> int:
    """Fill the page, or compare it."""
    return fill(PAGE, MARK, body)


if __name__ == "__main__":
    sys.exit(main())
