"""Fill the figures of docs/reliability.md from the results in benchmarks/results/.

    python scripts/fill_reliability.py [--check]

Each result of a program under benchmarks/soak/ gets a table with one row per claim, and the planted
faults one row per part of the package. With `--check` nothing is written, and the exit code is 1 if
the page is out of date.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from marked_pages import fill
from page_tables import spread, uncommitted
from recorded_wording import as_worded_now

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE, MARK, FAULTS = ROOT / "docs" / "reliability.md", "soak", "mutants"
NOTHING = "Not measured yet for this version."
FOLDER = "benchmarks/soak/"
ORDER = ("crash_points", "kill9", "signals", "races", "damaged", "bad_files", "reproduce")
"""Order of the tables; results not listed here follow in alphabetical order."""


def body(folder: Path = RESULTS) -> str:
    """All soak results, as Markdown."""
    found = {}
    for path in folder.glob("*.json"):
        facts = json.loads(path.read_text(encoding="utf-8"))
        if FOLDER in str(facts.get("made", {}).get("command")):
            found[path.stem] = facts
    names = [name for name in ORDER if name in found]
    names += sorted(found.keys() - set(ORDER))
    return "\n\n".join(program_table(name, found[name]) for name in names) or NOTHING


def faults(folder: Path = RESULTS) -> str:
    """The planted faults by part of the package, as Markdown."""
    path = folder / f"{FAULTS}.json"
    if not path.is_file():
        return NOTHING
    facts = json.loads(path.read_text(encoding="utf-8"))
    areas: dict[str, list[str | None]] = {}
    for one in facts["faults"]:
        areas.setdefault(one["area"], []).append(one["noticed"])
    lines = ["| planted in | faults | noticed by quick tests | by slow tests only | by none |"]
    lines.append("|---|--:|--:|--:|--:|")
    for name, noticed in areas.items():
        counts = [len(noticed), *(noticed.count(which) for which in ("quick", "slow", None))]
        lines.append(f"| {name} | {' | '.join(map(str, counts))} |")
    missed = [f"`{one['name']}`" for one in facts["faults"] if one["noticed"] is None]
    more = [f"Not noticed: {', '.join(missed)}."] if missed else []
    return "\n\n".join([program_table(FAULTS, facts), "\n".join(lines), *more])


def program_table(name: str, facts: Mapping[str, Any]) -> str:
    """Return the claims of one result as a table, with what they were measured on."""
    made = facts["made"]
    program = made["command"].split()[1]
    lines = [f"| `{program}` | measured | target | |", "|---|--:|--:|---|"]
    for one in facts["claims"]:
        unit, bar = one.get("unit", "%"), "at most" if one.get("at_most") else "at least"
        verdict = "holds" if one["holds"] else "**fails**"
        measured = _said(one["measured"], unit) + spread(name, facts, one)
        lines.append(
            f"| {as_worded_now(one['claim'])} | {measured} "
            f"| {bar} {_said(one['needed'], unit)} | {verdict} |"
        )
    lines += ["", f"{made['date'][:10]}, {made['cpu']}, torch {made['torch']}{uncommitted(facts)}."]
    return "\n".join(lines)


def _said(value: float | None, unit: str) -> str:
    """A readable figure: shares in per cent, seconds and MB with their unit, counts without."""
    if value is None:
        return "never"
    if unit == "%":
        return f"{100 * value:.3g} %"
    return f"{value:.3g} s" if unit == "s" else f"{value:,.4g}{' MB' if unit == 'MB' else ''}"


def main() -> int:
    """Fill the page, or check it."""
    return max(fill(PAGE, MARK, body), fill(PAGE, FAULTS, faults))


if __name__ == "__main__":
    sys.exit(main())
