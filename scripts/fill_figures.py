"""Fill the figures of docs/figures.md, MODEL_CARDS.md and README.md from benchmarks/results/.

    python scripts/fill_figures.py [--check]

The first two pages get every table between `<!-- figures: begin -->` and `<!-- figures: end -->`,
README gets two sentences between `<!-- headline: begin -->` and `<!-- headline: end -->`, so no
number is typed by hand. With `--check` nothing is written, and the exit code is 1 if a page is out
of date.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from marked_pages import filled
from page_tables import UNCOMMITTED, has_uncommitted, uncommitted, weak_judge, with_weak_judge

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
NOTHING = "Not measured yet for this version."
CEILING = "image embeddings (ceiling)"


def figures(folder: Path = RESULTS) -> str:
    """Everything that was measured, as Markdown tables."""
    digits, flowers = (_facts(folder, name) for name in ("digits", "flowers"))
    parts = [*([_digits(digits)] if digits else []), *([_flowers(flowers)] if flowers else [])]
    return "\n\n".join(parts) or NOTHING


def headline(folder: Path = RESULTS) -> str:
    """The figures that sum up the rest, a sentence a line."""
    digits, flowers = (_facts(folder, name) for name in ("digits", "flowers"))
    lines = []
    if digits:
        bridges = digits["bridges_and_ceiling"]
        without, own = (bridges[name]["total"] for name in ("identity", digits["bridge"]))
        lines.append(
            f"With its default bridge, `{digits['bridge']}`, `digits` paints the requested digit "
            f"in {_share(digits['words']['total'])}. On the same seeds: {_share(own)} with "
            f"that bridge, {_share(without)} without any."
        )
    if flowers:
        lines.append(
            "`flowers` gets the species and every colour of the prompt right in "
            f"{_share(flowers['words']['total'])}."
        )
    if promise := read_json(folder / "promise.json"):
        lines.append(_promise(promise))
    known = {"digits": digits, "flowers": flowers}
    lines += [line for name, facts in known.items() if facts for line in _caveats(name, facts)]
    return "\n".join(lines) or NOTHING


def _promise(facts: Mapping[str, Any]) -> str:
    """A folder of photographs without captions, after minutes on a laptop's cores."""
    training, beside = facts["training"], facts["beside_real"]
    frechet, recall = beside["frechet"], beside["recall"]
    return (
        f"Trained for {max(training['minutes'])} minutes on {training['cores']} cores on "
        "photographs of ten kinds of things, without captions (CIFAR-10), a model paints what the "
        f"words ask for in {_share(facts['words']['total'])}; of real photographs the same judge "
        f"reads {_share(facts['real']['total'])} right. Painted ones are less varied: recall "
        f"{recall['painted']:.2f}, real {recall['real']:.2f}; Fréchet distance "
        f"{frechet['painted']:.2f}, real {frechet['real']:.2f}."
    )


def _caveats(name: str, facts: Mapping[str, Any]) -> list[str]:
    """What a reader of a model's figures has to know, a sentence each."""
    weak = [f"The figures of `{name}` are those of a weak judge."] if weak_judge(facts) else []
    dirty = [f"Figures of `{name}`: {UNCOMMITTED}."] if has_uncommitted(facts) else []
    return weak + dirty


def _facts(folder: Path, name: str) -> Mapping[str, Any] | None:
    """What the benchmark of a shipped model left; None before it has run."""
    return read_json(folder / f"{name}_from_words.json")


def read_json(path: Path) -> Mapping[str, Any] | None:
    """A result; None before it was measured."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _share(count: Mapping[str, Any]) -> str:
    low, high = count["interval_95"]
    return f"{count['share']:.1%} ({low:.1%} to {high:.1%}) of {count['n']:,} pictures"


def _digits(facts: Mapping[str, Any]) -> str:
    worst = min(facts["words"]["values"].items(), key=lambda item: item[1]["share"])
    rows = {
        "prompts “six”, “6”, “the digit six”, “a handwritten six”": facts["words"]["total"],
        f"weakest of these, {worst[0]}": worst[1],
        "phrasings that occur in no training caption": facts["unseen_phrasings"]["total"],
    }
    return _section("digits", "the judge reads the requested digit", rows, facts)


def _flowers(facts: Mapping[str, Any]) -> str:
    rows = {
        "petals in the requested colour": facts["words"]["attributes"]["petals"],
        "petals in the requested colour, measured in the pixels": facts["petals_measured"]["total"],
        "the requested species": facts["words"]["attributes"]["species"],
        "everything requested at once": facts["words"]["total"],
    }
    return _section("flowers", "the judge finds in the picture", rows, facts)


def _section(
    name: str, head: str, rows: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]
) -> str:
    """The main table, then the bridges side by side, then how it was measured."""
    compared = {
        (label if label == CEILING else f"bridge `{label}`"): one["total"]
        for label, one in facts["bridges_and_ceiling"].items()
    }
    tables = [_table(f"`{name}`: {head}", rows), _table("from the same noise", compared)]
    return "\n\n".join([*(with_weak_judge(part, facts) for part in tables), _origin(facts)])


def _origin(facts: Mapping[str, Any]) -> str:
    """How it was measured, and how accurate the judge is."""
    made, accuracy = facts["made"], facts["judge"]["figures"]["accuracy"]
    read = ", ".join(f"{attribute} {share:.1%}" for attribute, share in accuracy.items())
    return (
        f"{facts['steps']} sampler steps, bridge `{facts['bridge']}`, weights "
        f"`{facts['model_fingerprint']}`; {made['date'][:10]}, {made['cpu']}, "
        f"torch {made['torch']}{uncommitted(facts)}. "
        f"Accuracy of the judge on real pictures it never saw: {read}."
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


BLOCKS: tuple[tuple[str, str, Callable[[], str]], ...] = (
    ("docs/figures.md", "figures", figures),
    ("MODEL_CARDS.md", "figures", figures),
    ("README.md", "headline", headline),
)
"""Page, mark, and what stands between the marks."""


def main() -> int:
    """Fill the pages, or compare them."""
    behind = 0
    for page, mark, body in BLOCKS:
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        wanted = filled(text, mark, body())
        behind += wanted != text
        if "--check" not in sys.argv[1:]:
            path.write_text(wanted, encoding="utf-8")
    return int("--check" in sys.argv[1:] and behind > 0)


if __name__ == "__main__":
    sys.exit(main())
