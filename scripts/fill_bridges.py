"""Fill the figures of docs/modality-gap.md from benchmarks/results/bridges.json.

    python scripts/fill_bridges.py [--check]

With `--check` nothing is written, and the exit code is 1 where the page has fallen behind. Knows
nothing of how anything was measured.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from marked_pages import fill
from page_tables import Facts, read_results, span, table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE, MARK = ROOT / "docs" / "modality-gap.md", "bridges"
NOTHING = "Not measured yet for this version."
ORACLE = "image embeddings (ceiling)"
TITLES = {
    "own gap": "The gap that the model has",
    "planted gap": "A planted gap, as wide as that of real CLIPs",
    "no gap": "No gap: the texts' mean on the pictures' mean",
}


def body(folder: Path = RESULTS) -> str:
    """Every gap that was measured, as Markdown."""
    facts = read_results(folder, ["bridges"]).get("bridges")
    if not facts or not facts.get("gaps"):
        return NOTHING
    parts = []
    for gap, title in TITLES.items():
        if gap in facts["gaps"]:
            parts += [f"### {title}", *_gap(facts["gaps"][gap])]
    return "\n\n".join([*parts, _oracle(facts[ORACLE]["total"]), _origin(facts)])


def _gap(one: Facts) -> list[str]:
    rows = []
    for name, row in one["bridges"].items():
        pair, closed = row["minus_identity"], row["gap_closed"]
        base = name == "identity"
        rows.append(
            [
                f"`{name}`",
                f"{row['total']['share']:.1%}",
                span(row["total"]["interval_95"]),
                "" if base else f"{pair['difference']:+.1%}",
                "" if base else span(pair["interval_95"], signed=True),
                "" if base else span(row["minus_identity_other_prompts"], signed=True),
                ""
                if base or closed is None
                else f"{closed['share']:.0%} ({closed['interval_95'][0]:.0%} to "
                f"{closed['interval_95'][1]:.0%})",
            ]
        )
    head = [
        "bridge",
        "success",
        "95 % interval",
        "minus `identity`",
        "of these prompts, 95 %",
        "of other prompts, 95 %",
        "gap closed",
    ]
    return [*_report(one["report"]), table(head, rows, "lrrrrrr")]


def _report(report: Facts | None) -> list[str]:
    if report is None:
        return []
    model, pairs = report["model"], report["pairs"]
    return [
        f"`gap` says: distance of the means {model['distance']:.2f}, {pairs['share']:.0%} of the "
        f"squared distance of a pair, centred cosine of a pair {pairs['centred_cosine']:.2f}. A "
        f"run would choose `{report['chosen_bridge']}`."
    ]


def _oracle(total: Facts) -> str:
    said = f"{total['share']:.1%} ({span(total['interval_95'])}, n = {total['n']:,})"
    return f"Embeddings of real pictures of the asked digits, the oracle: {said}."


def _origin(facts: Facts) -> str:
    made = facts["made"]
    return (
        f"{facts['pictures']:,} pictures a bridge and gap, the same prompts and seeds for all; "
        f"weights `{facts['model_fingerprint']}`, {facts['steps']} steps; {made['date'][:10]}, "
        f"{made['cpu']}."
    )


def main() -> int:
    """Fill the page, or compare it."""
    return fill(PAGE, MARK, body)


if __name__ == "__main__":
    sys.exit(main())
