"""Read the JSON results of the benchmarks, and write them and their claims as Markdown tables."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recorded_wording import as_worded_now

Facts = Mapping[str, Any]


def read_results(folder: Path, names: Sequence[str]) -> dict[str, Facts]:
    """Read the results of these names, skipping those that do not exist."""
    return {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name in names
        if (path := folder / f"{name}.json").is_file()
    }


def claims_table(found: Mapping[str, Facts]) -> str:
    """Table of all claims with their targets; an empty string if there are none."""
    rows = [
        [
            as_worded_now(one["claim"]),
            _figure(one["measured"], one),
            ("≤ " if one.get("at_most") else "≥ ") + _figure(one["needed"], one),
            "yes" if one["holds"] else "**no**",
            f"`{_program(facts)}`",
        ]
        for facts in found.values()
        for one in facts.get("claims", [])
    ]
    return table(["claim", "measured", "target", "met", "program"], rows, "lrrll")


def _program(facts: Facts) -> str:
    """Name of the program that measured, without folders and options."""
    return Path(shlex.split(facts["made"]["command"])[1]).name


def _figure(value: float | None, claim: Facts) -> str:
    unit = claim.get("unit", "%")
    if value is None:
        return "never"
    if unit == "%":
        return f"{value:.1%}"
    return f"{value:,.3g}x" if unit == "x" else f"{value:,.3g} {unit}".rstrip()


def table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """A Markdown table; an empty string if there are no rows.

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
    """The table cells of a counted share: the share, its interval and n."""
    return [f"{count['share']:.1%}", span(count["interval_95"]), f"{count['n']:,}"]


def span(interval: Sequence[float], signed: bool = False) -> str:
    """An interval of shares, in per cent."""
    low, high = (f"{end:+.1%}" if signed else f"{end:.1%}" for end in interval)
    return f"{low} to {high}"
