"""Fill the figures of docs/modality-gap.md from bridges.json and emphasis.json.

    python scripts/fill_bridges.py [--check]

With `--check` nothing is written, and the exit code is 1 if the page is out of date.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from marked_pages import fill
from page_tables import Facts, read_results, span, table, uncommitted, with_weak_judge

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE, MARK = ROOT / "docs" / "modality-gap.md", "bridges"
SECOND = "emphasis"
NOTHING = "Not measured yet for this version."
ORACLE = "image embeddings (ceiling)"
TITLES = {
    "own gap": "The model's own gap",
    "planted gap": "A planted gap, as wide as in real CLIPs",
    "no gap": "No gap: the mean of the texts moved to the mean of the pictures",
}


def body(folder: Path = RESULTS) -> str:
    """All measured gaps, as Markdown."""
    facts = read_results(folder, ["bridges"]).get("bridges")
    if not facts or not facts.get("gaps"):
        return NOTHING
    parts = []
    for gap, title in TITLES.items():
        if gap in facts["gaps"]:
            parts += [f"### {title}", *_gap(facts["gaps"][gap])]
    parts = [with_weak_judge(part, facts) for part in parts]
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
        f"`ddpm-clip gap` reports a distance of the means of {model['distance']:.2f}, "
        f"{pairs['share']:.0%} of the squared distance within a pair, and a centred cosine of "
        f"{pairs['centred_cosine']:.2f} within a pair. A run would choose "
        f"`{report['chosen_bridge']}`."
    ]


def _oracle(total: Facts) -> str:
    said = f"{total['share']:.1%} ({span(total['interval_95'])}, n = {total['n']:,})"
    return f"Oracle, conditioned on embeddings of real pictures of the requested digits: {said}."


def _origin(facts: Facts) -> str:
    made = facts["made"]
    return (
        f"{facts['pictures']:,} pictures per bridge and gap, with the same prompts and seeds; "
        f"weights `{facts['model_fingerprint']}`, {facts['steps']} steps; {made['date'][:10]}, "
        f"{made['cpu']}{uncommitted(facts)}."
    )


def emphasis(folder: Path = RESULTS) -> str:
    """What more emphasis gives and costs, as Markdown."""
    facts = read_results(folder, ["emphasis"]).get("emphasis", {})
    arms = {name: one for name, one in facts.items() if isinstance(one, dict) and "details" in one}
    if not arms:
        return NOTHING
    rows = [
        [
            name,
            f"{one['details']['share']:.1%} ({span(one['details']['interval_95'])})",
            f"{one['success']['share']:.1%} ({span(one['success']['interval_95'])})",
            *(
                f"{one[key]['value']:.3g} ± {one[key]['spread']:.2g} ({one[key]['real']:.3g})"
                for key in ("recall", "frechet")
            ),
        ]
        for name, one in arms.items()
    ]
    head = ["model", "details as asked", "kinds as asked", "recall (real)", "Fréchet (real)"]
    one, made = next(iter(arms.values())), facts["made"]
    commits = ", ".join(
        dict.fromkeys(part["commit"][:7] for name, part in facts["parts"].items() if name in arms)
    )
    said = (
        f"{one['details']['n']} prompts with details and {one['pictures']:,} of kinds for each "
        f"row; ± over three splits. Last run: `{made['command']}`, {made['date'][:10]}, commits "
        f"{commits}, {made['cpu']}{uncommitted(facts)}."
    )
    return f"{table(head, rows, 'lrrrr')}\n\n{said}"


def main() -> int:
    """Fill the page, or check it."""
    return max(fill(PAGE, MARK, body), fill(PAGE, SECOND, emphasis))


if __name__ == "__main__":
    sys.exit(main())
