"""Fill the figures of docs/three-tasks.md from benchmarks/results/.

    python scripts/fill_tasks.py [--check]

With `--check` nothing is written, and the exit code is 1 if the page is out of date.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from marked_pages import fill
from page_tables import uncommitted, with_weak_judge
from recorded_wording import as_worded_now

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE, MARK = ROOT / "docs" / "three-tasks.md", "tasks"
NOTHING = "Not measured yet for this version."


def body(folder: Path = RESULTS) -> str:
    """All measurements, as Markdown."""
    parts = []
    if (path := folder / "clip_guidance.json").is_file():
        parts += _gradient(json.loads(path.read_text(encoding="utf-8")))
    if (path := folder / "sensitivity.json").is_file():
        parts += _sensitivity(json.loads(path.read_text(encoding="utf-8")))
    return "\n\n".join(parts) or NOTHING


def _gradient(facts: Mapping[str, Any]) -> list[str]:
    lines = [
        "| by gradient, ten digits | shows the digit | 95 % interval | n | weakest digit "
        "| read as the digit, any quality | guide's loss | seconds a picture, one pass |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, way in facts["ways"].items():
        total = way["total"]
        low, high = total["interval_95"]
        worst = min(way["values"].items(), key=lambda item: item[1]["share"])
        lines.append(
            f"| {as_worded_now(name)} | {total['share']:.1%} | {low:.1%} to {high:.1%} "
            f"| {total['n']:,} "
            f"| {worst[0].removeprefix('digit: ')} {worst[1]['share']:.0%} "
            f"| {total['read'] / total['n']:.1%} | {way['guides_loss']:.2f} "
            f"| {way['seconds_a_picture']:.2f} |"
        )
    return [with_weak_judge("\n".join(lines), facts), _origin(facts)]


def _sensitivity(facts: Mapping[str, Any]) -> list[str]:
    parts = [_counts(title, rows) for title, rows in facts["tables"].items()]
    refused = {f"“dog” {way}": one["rejected"] for way, one in facts["dog"].items()}
    parts = [with_weak_judge(part, facts) for part in parts]
    return [*parts, _counts("rejected by the judge", refused), _origin(facts)]


def _counts(title: str, rows: Mapping[str, Any]) -> str:
    lines = [f"| {as_worded_now(title)} | share | 95 % interval | n |", "|---|--:|--:|--:|"]
    for name, count in rows.items():
        low, high = count["interval_95"]
        share = f"{count['share']:.1%} | {low:.1%} to {high:.1%} | {count['n']:,}"
        lines.append(f"| {name} | {share} |")
    return "\n".join(lines)


def _origin(facts: Mapping[str, Any]) -> str:
    made = facts["made"]
    return (
        f"Weights `{facts['model_fingerprint']}`; {made['date'][:10]}, "
        f"{made['cpu']}{uncommitted(facts)}."
    )


def main() -> int:
    """Fill the page, or check it."""
    return fill(PAGE, MARK, body)


if __name__ == "__main__":
    sys.exit(main())
