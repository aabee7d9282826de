"""Read the JSON results of the benchmarks, and write them and their claims as Markdown tables."""

import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from clean_tree import has_uncommitted
from ranges import NEEDING, range_of, why_none
from recorded_wording import as_worded_now

Facts = Mapping[str, Any]
UNCOMMITTED = "**measured with uncommitted code**"
"""Stands wherever a result is shown that was not measured from a clean checkout."""

DAGGER = "†"
"""The same in a table of claims, with the words below it."""

WEAK, BY_JUDGE = 0.85, ("share", "success", "final success", "shows the digit")
"""A judge that reads fewer real pictures right is weak; the columns that hold what it read."""


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
            _figure(one["measured"], one) + spread(name, facts, one),
            ("≤ " if one.get("at_most") else "≥ ") + _figure(one["needed"], one),
            "weak judge" if weak_judge(facts) else "yes" if one["holds"] else "**no**",
            f"`{_program(facts)}`" + (f" {DAGGER}" if has_uncommitted(facts) else ""),
        ]
        for name, facts in found.items()
        for one in facts.get("claims", [])
    ]
    note = f"\n\n{DAGGER} {UNCOMMITTED}." if any(DAGGER in row[-1] for row in rows) else ""
    return table(["claim", "measured", "target", "met", "program"], rows, "lrrll") + note


def spread(name: str, facts: Facts, claim: Facts) -> str:
    """The range of a claim's figure, in brackets, or why a time or a ratio has none."""
    if found := range_of(name, facts, claim):
        low, high = (_figure(end, claim) for end in found)
        return f" ({low} to {high})"
    if claim["measured"] is None:
        return ""
    why = why_none(name, claim)
    if not why and claim.get("unit", "%") in NEEDING:
        why = "range not recorded"
    return f" ({why})" if why else ""


def uncommitted(facts: Facts) -> str:
    """What the line on the origin of a result says of uncommitted code; "" if there was none."""
    return f", {UNCOMMITTED}" if has_uncommitted(facts) else ""


def weak_judge(facts: Facts) -> bool:
    """Whether the judge of a result reads too few real pictures right to carry a target."""
    return any(min(one.values()) < WEAK for one in _accuracies(facts) if one)


def _accuracies(facts: Any) -> Iterator[Mapping[str, float]]:
    """Accuracies on real pictures of all judges in a result."""
    if isinstance(facts, Mapping):
        judge = facts.get("judge")
        if isinstance(judge, Mapping):
            yield judge.get("figures", {}).get("accuracy", {})
        for one in facts.values():
            yield from _accuracies(one)


def with_weak_judge(part: str, facts: Facts) -> str:
    """A part of a page, with "weak judge" in the head of every column that a weak one read."""
    if not weak_judge(facts) or not part.startswith("|"):
        return part
    head, end, rest = part.partition("\n")
    return re.sub(rf"\| ({'|'.join(BY_JUDGE)}) (?=\|)", r"| \1, weak judge ", head) + end + rest


def _program(facts: Facts) -> str:
    """Name of the program that measured, without folders and options."""
    return Path(shlex.split(facts["made"]["command"])[1]).name


def _figure(value: float | None, claim: Facts) -> str:
    unit = claim.get("unit", "%")
    if value is None:
        return "never"
    if unit == "%":
        return f"{value:z.1%}"  # z: never "-0.0%"
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
