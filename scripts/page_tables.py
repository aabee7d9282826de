"""Results as Markdown: the JSON that benchmarks left, tables of it, and whether bars are kept.

Knows nothing of any single benchmark.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Facts = Mapping[str, Any]


def read_results(folder: Path, names: Sequence[str]) -> dict[str, Facts]:
    """The results of these names that are there."""
    return {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name in names
        if (path := folder / f"{name}.json").is_file()
    }


def claims_table(found: Mapping[str, Facts]) -> str:
    """Every claim that has a bar, whether it holds or not; nothing where there is none."""
    rows = [
        [
            one["claim"],
            _figure(one["measured"], one),
            ("≤ " if one.get("at_most") else "≥ ") + _figure(one["needed"], one),
            "yes" if one["holds"] else "**no**",
            f"`{_program(facts)}`",
        ]
        for facts in found.values()
        for one in facts.get("claims", [])
    ]
    return table(["claim", "measured", "bar", "holds", "by"], rows, "lrrll")


def _program(facts: Facts) -> str:
    """The file that measured, without folders and options."""
    return Path(shlex.split(facts["made"]["command"])[1]).name


def _figure(value: float | None, claim: Facts) -> str:
    unit = claim.get("unit", "%")
    if value is None:
        return "never"
    if unit == "%":
        return f"{value:.1%}"
    return f"{value:,.3g}x" if unit == "x" else f"{value:,.3g} {unit}".rstrip()


def table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """A table; nothing where it has no rows.

    >>> print(table(["a", "b"], [["1", "2"]], "lr"))
    | a | b |
    | --- | --: |
    | 1 | 2 |
    """
    if not rows:
        return ""
    marks = ["--:" if one == "r" else "---" for one in align]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, marks, *rows])


def share(count: Facts) -> list[str]:
    """The cells of a counted share: itself, its interval, how many."""
    return [f"{count['share']:.1%}", span(count["interval_95"]), f"{count['n']:,}"]


def span(interval: Sequence[float], signed: bool = False) -> str:
    """An interval of shares."""
    low, high = (f"{end:+.1%}" if signed else f"{end:.1%}" for end in interval)
    return f"{low} to {high}"
