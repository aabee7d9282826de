"""Fill the figures of README.md and MODEL_CARDS.md from benchmarks/results/.

    python scripts/fill_figures.py [--check]

What stands between `<!-- figures: begin -->` and `<!-- figures: end -->` is replaced, so that no
number is typed by hand. With `--check` nothing is written, and the exit code is 1 where a page
has fallen behind. Knows nothing of how anything was measured.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from marked_pages import filled

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = ("README.md", "MODEL_CARDS.md")
MARK = "figures"
NOTHING = "Not measured yet for this version."
CEILING = "image embeddings (ceiling)"


def figures(folder: Path = RESULTS) -> str:
    """Everything that was measured, as Markdown."""
    parts = []
    if (path := folder / "digits_from_words.json").is_file():
        parts.append(_digits(json.loads(path.read_text(encoding="utf-8"))))
    if (path := folder / "flowers_from_words.json").is_file():
        parts.append(_flowers(json.loads(path.read_text(encoding="utf-8"))))
    return "\n\n".join(parts) or NOTHING


def _digits(facts: Mapping[str, Any]) -> str:
    worst = min(facts["words"]["values"].items(), key=lambda item: item[1]["share"])
    rows = {
        "asked as “six”, “6”, “the digit six”, “a handwritten six”": facts["words"]["total"],
        f"of these the weakest, {worst[0]}": worst[1],
        "asked in phrasings that no training caption has": facts["unseen_phrasings"]["total"],
    }
    return _section("digits", "the asked digit is read", rows, facts)


def _flowers(facts: Mapping[str, Any]) -> str:
    rows = {
        "petals in the asked colour": facts["words"]["attributes"]["petals"],
        "petals in the asked colour, measured in the pixels": facts["petals_measured"]["total"],
        "the asked species": facts["words"]["attributes"]["species"],
        "everything asked for at once": facts["words"]["total"],
    }
    return _section("flowers", "found in the picture", rows, facts)


def _section(
    name: str, head: str, rows: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]
) -> str:
    """The main table, then the bridges beside each other, then where it was measured."""
    compared = {
        (label if label == CEILING else f"bridge `{label}`"): one["total"]
        for label, one in facts["bridges_and_ceiling"].items()
    }
    tables = [_table(f"`{name}`: {head}", rows), _table("the same noise, other ways", compared)]
    return "\n\n".join([*tables, _origin(facts)])


def _origin(facts: Mapping[str, Any]) -> str:
    """What it was measured with, and how far the judge is to be trusted."""
    made, accuracy = facts["made"], facts["judge"]["figures"]["accuracy"]
    read = ", ".join(f"{attribute} {share:.1%}" for attribute, share in accuracy.items())
    return (
        f"Sampler steps {facts['steps']}, bridge `{facts['bridge']}`, weights "
        f"`{facts['model_fingerprint']}`; {made['date'][:10]}, {made['cpu']}, "
        f"torch {made['torch']}. The judge reads real pictures that it never saw right in: {read}."
    )


def _table(title: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [f"| {title} | share | 95 % interval | pictures |", "|---|--:|--:|--:|"]
    for label, count in rows.items():
        low, high = count["interval_95"]
        lines.append(
            f"| {label} | {count['share']:.1%} | {low:.1%} to {high:.1%} "
            f"| {count['success']:,} of {count['n']:,} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Fill the pages, or compare them."""
    body, behind = figures(), 0
    for page in PAGES:
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        wanted = filled(text, MARK, body)
        behind += wanted != text
        if "--check" not in sys.argv[1:]:
            path.write_text(wanted, encoding="utf-8")
    return int("--check" in sys.argv[1:] and behind > 0)


if __name__ == "__main__":
    sys.exit(main())
