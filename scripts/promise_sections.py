"""The section of docs/results.md for `benchmarks/promise.py`: tables from its JSON."""

from page_tables import Facts, share, span, table
from results_sections import HEAD, copies_table, judge_said, sets

CEILING = "image embeddings (ceiling)"


def promise(facts: Facts) -> list[str]:
    """Words, minutes, bridges, distances and copies; a part that is missing has no table."""
    return [
        _dealt(facts["dealt"]),
        _read(facts),
        _growth(facts.get("growth", {})),
        _told(facts),
        _bridges(facts.get("bridges", {})),
        table(
            ["requested in words, against real test pictures", "ours", "real", "n"],
            sets(facts.get("beside_real", {})),
            "lrrr",
        ),
        copies_table({"copies": {"pixels": facts["copies"]}}) if "copies" in facts else "",
        judge_said(facts),
    ]


def _dealt(dealt: Facts) -> str:
    """How the pictures were dealt."""
    n = dealt["pictures"]
    return (
        f"{n['clip']:,} pictures with class names for the CLIP, {n['denoiser']:,} others without "
        f"for the denoiser, {n['judge']:,} with names for the judge, {n['test']:,} for testing; "
        f"pictures in two of these parts: {dealt['equal_pictures_in_two_parts']}."
    )


def _read(facts: Facts) -> str:
    """What the judge reads in real and painted pictures, and what the CLIP makes of real ones."""
    rows = []
    if "real" in facts:
        total = facts["real"]["total"]
        rows.append(["real test pictures, same judge", *share(total)])
    for phrasing, one in facts.get("zero_shot", {}).items():
        asked = phrasing.format(x="…")
        rows.append([f"real test pictures, named by the CLIP as “{asked}”", *share(one)])
    if "words" in facts:
        rows.append(["painted from words", *share(facts["words"]["total"])])
        rows += [
            [f"painted, {name.partition(': ')[2]}", *share(one)]
            for name, one in facts["words"]["values"].items()
        ]
    return table(["", *HEAD], rows, "lrrr")


def _growth(growth: Facts) -> str:
    """Success and distances by minutes of training."""
    rows = []
    for minutes, one in growth.items():
        beside = one["beside_real"]
        ratio = beside["frechet"]["painted"] / beside["frechet"]["real"]
        rows.append(
            [
                f"{minutes} minutes, {one['steps']:,} steps",
                *share(one["success"]),
                f"{ratio:.1f}",
                f"{beside['kid']['painted']:.3g} ({beside['kid']['real']:.3g})",
                f"{beside['recall']['painted']:.2f} ({beside['recall']['real']:.2f})",
            ]
        )
    head = ["after", *HEAD, "Fréchet distance, times real", "kernel distance (real)"]
    return table([*head, "recall (real)"], rows, "lrrrrrr")


def _told(facts: Facts) -> str:
    """What the minutes mean, and how long the training took."""
    training = facts["training"]
    spent = training["spent"]
    return (
        f"{training['meaning'][0].upper()}{training['meaning'][1:]}. It took "
        f"{spent['seconds'] / 60:,.0f} minutes and {spent['cpu_seconds'] / 60:,.0f} of a core; "
        f"{training['parameters'] / 1e6:.1f} million weights."
    )


def _bridges(bridges: Facts) -> str:
    """Every bridge beside `identity`, on the same noise."""
    if not bridges:
        return ""
    rows = []
    for name, one in bridges["table"].items():
        paired = one["minus_identity"]
        chosen = ", chosen by `auto`" if name == bridges["chosen"] else ""
        shown = name if name == CEILING else f"`{name}`{chosen}"
        difference = f"{paired['difference']:+.1%} ({span(paired['interval_95'], signed=True)})"
        rows.append([shown, *share(one), difference if name != "identity" else ""])
    return table(["by bridge, same noise", *HEAD, "minus identity, paired"], rows, "lrrrr")
