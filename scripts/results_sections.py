"""The sections of docs/results.md: paragraphs and tables from the JSON of each benchmark."""

from page_tables import WEAK, Facts, share, span, table, weak_judge
from recorded_wording import as_worded_now

NOT_YET = "not measured yet"
HEAD = ["share", "95 % interval", "n"]
FIGURES = {"frechet": "Fréchet distance (own features; no FID)", "kid": "kernel distance (MMD²)"}
SPELLED = "“6”, “six”, “Six!”, “the digit six”, “a photo of the number six” from the same noise"

LABELLED = {
    "classes": "requested by class", "words": "requested in words",
    "unseen_phrasings": "requested in phrasings absent from the captions",
    "real": "real test pictures, same judge",
}  # fmt: skip
OF_PART = {
    "diversity": "variety: ",
    "transfer": "classifier trained on painted pictures: ",
    "retrieval": "independent CLIP: ",
}
"""Prefixes for figures of `evaluate` whose names need the title of their section."""

FIGURES_IN_WORDS = "evaluation.md#the-figures"
BY_CHANCE = "probability of"
EMOJI = {
    "painted": "painted from words",
    "ceiling": "painted from embeddings of drawings",
    "real": "real noto drawings",
    "emojitwo": "drawings that the scoring CLIP learned from",
}


def digits(facts: Facts) -> list[str]:
    """Prompts, spellings, the course's test, and every digit."""
    words, found, gate = (facts.get(key, {}) for key in ("words", "agreement", "gate"))
    second = words.get("second_judge", {})
    whose = f" (seed {second['judge']['seed']})" if second else ""
    rows = {
        "in four phrasings": words.get("total"),
        f"the same, read by a judge used for nothing else{whose}": second.get("total"),
        "in phrasings absent from the captions": facts.get("unseen_phrasings", {}).get("total"),
        f"{SPELLED}: all read as one digit": found.get("same", {}).get("total"),
        "all read as the requested digit": found.get("right", {}).get("total"),
        "course's test passed (95 % of fifty pictures right)": gate.get("times"),
    }
    each = [
        [name.removeprefix("digit: "), *share(one)] for name, one in words.get("values", {}).items()
    ]
    return [
        table(
            ["digit requested", *HEAD], [[name, *_cells(one)] for name, one in rows.items()], "lrrr"
        ),
        table(["first row, by digit", *HEAD], each, "lrrr"),
        judge_said(facts),
    ]


def _cells(count: Facts | None) -> list[str]:
    """The table cells of a count that may be missing."""
    return [NOT_YET, "", ""] if count is None else share(count)


def unconditional_branch(facts: Facts) -> list[str]:
    """Held-out losses with and without the condition, of two ways to train."""
    rows = [
        [
            str(one["seed"]),
            *(f"{one['together'][kind]:.4f}" for kind in ("with_condition", "without_condition")),
            f"{one['alone']['without_condition']:.4f}",
        ]
        for one in facts.get("seeds", [])
    ]
    head = ["seed", "with the condition", "without it", "trained without any"]
    note = (
        "Held-out losses. A condition tells what is in the picture, so the loss without it is "
        "higher for every network; what dropping conditions can spoil is the distance of the "
        "third column from the fourth."
    )
    return [note, table(head, rows, "rrrr")]


def attributes(facts: Facts) -> list[str]:
    """One and two requested attributes, measured in the pixels."""
    rows = [
        [f"{title}: {what}", *share(facts[key][part])]
        for key, title in (("one_attribute", "one attribute"), ("two_attributes", "two attributes"))
        for part, what in (
            ("attributes", "on the requested side of the median real digit"),
            ("digit", "the judge reads the digit"),
        )
    ]
    return [table(["requested as “a thick seven”", *HEAD], rows, "lrrr")]


def bridges(facts: Facts) -> list[str]:
    """For each gap, the best bridge against no bridge."""
    rows = []
    for gap, one in facts.get("gaps", {}).items():
        best = one["bridges"][one["best"]]
        pair, closed = best["minus_identity"], best["gap_closed"]
        rows.append(
            [
                gap,
                f"{one['bridges']['identity']['total']['share']:.1%}",
                f"`{one['best']}` {best['total']['share']:.1%}",
                f"{pair['difference']:+.1%} ({span(pair['interval_95'], signed=True)})",
                "" if closed is None else f"{closed['share']:.0%}",
                f"{pair['n']:,}",
            ]
        )
    head = ["", "without a bridge", "best bridge", "paired difference", "gap closed", "n"]
    text = "All bridges, and how the gap was planted: [The modality gap](modality-gap.md)."
    return [table(head, rows, "lrrrrr"), text]


def coverage(facts: Facts) -> list[str]:
    """How often `ask` reports covered and uncovered prompts as outside the training data."""
    rows = []
    for name, model in facts["models"].items():
        for side in ("covered", "outside"):
            for kind, one in model[side].items():
                shown = [f"{one['share_outside']:.1%}", span(one["interval_95"]), f"{one['n']:,}"]
                rows.append([f"`{name}`", side, kind, *shown])
    head = ["model", "actual", "prompts", "reported as outside", "95 % interval", "n"]
    return [table(head, rows, "lllrrr")]


def words_stay_inside(facts: Facts) -> list[str]:
    """Share of pictures that look like the folder's, by prompts and scale, bounded and not."""
    rows, kept = [], []
    for name in ("discs", "digits", "flowers", "photos"):
        if name not in facts:
            continue
        one = facts[name]
        for group, arms in one["groups"].items():
            scales = list(arms["bounded"])
            cells = [_both(arms, scale) for scale in scales]
            plain = f"{one['unconditional']:.1%}"
            rows.append([f"`{name}`", group, *cells, plain, f"{one['real']:.1%}"])
        for scale, part in one.get("success", {}).items():
            kept.append(
                [
                    f"`{name}`",
                    scale,
                    *share(part["bounded"])[:2],
                    f"{part['unbounded']['share']:.1%}",
                    f"{part['difference']:+.1%}",
                    span(part["difference_95"]),
                    f"{part['bounded']['n']:,}",
                ]
            )
    head = ["model", "prompts", *(f"scale {scale}" for scale in ("1", "2", "4"))]
    more = ["model", "scale", "success", "95 % interval", "unbounded", "difference", "95 %", "n"]
    return [
        "Share of pictures that look like the folder's: bounded, and in brackets without the "
        "bound. Of the discs, one disc of a right size; of the others, precision in the features "
        "of a judge. Beside it, what the model paints without words, and real pictures.",
        table([*head, "without words", "real"], rows, "llrrrrr"),
        "Success on covered prompts, on the same seeds with and without the bound:",
        table(more, kept, "lrrrrrrr"),
    ]


def _both(arms: Facts, scale: str) -> str:
    bounded, free = arms["bounded"][scale], arms["unbounded"][scale]
    return "no such prompt" if bounded is None else f"{bounded:.1%} ({free:.1%})"


def three_tasks(facts: Facts) -> list[str]:
    """Digits requested by class, and unconditional digits compared with held-out pictures."""
    parts = []
    if "classes" in facts:
        found = facts["classes"]
        rows = [["by class", *share(found["total"])]]
        rows += [
            [name.removeprefix("digit: "), *share(one)] for name, one in found["values"].items()
        ]
        parts.append(table(["judge reads the requested class", *HEAD], rows, "lrrr"))
    if "unconditional" in facts:
        parts.append(_beside(facts["unconditional"]))
        parts.append(copies_table(facts["unconditional"]))
    if absent := facts.get("not_measured"):
        parts.append(f"Not measured yet: {', '.join(absent)}.")
    return [*parts, "More: [Three tasks](three-tasks.md)."]


def _beside(found: Facts) -> str:
    """Unconditional pictures, with real ones in their place as a reference."""
    told, read, real = found["told_apart"], found["read"], found["real_read"]
    rows = [
        [
            "read as a digit, not rejected",
            f"{read['accepted']['share']:.1%}",
            f"{real['accepted']['share']:.1%}",
            f"{read['accepted']['n']:,}",
        ]
    ]
    rows += sets(found["against_heldout"])
    rows.append(
        [
            "accuracy of a classifier of painted vs held-out pictures",
            f"{told['painted']['accuracy']:.1%}",
            f"{told['real']['accuracy']:.1%}",
            f"{told['painted']['n']:,}",
        ]
    )
    return table(["unconditional, against held-out pictures", "ours", "real", "n"], rows, "lrrr")


def sets(found: Facts) -> list[list[str]]:
    """One row per metric of two sets: painted against real pictures, and real against real."""
    return [
        [FIGURES.get(name, name), f"{one['painted']:.3g}", f"{one['real']:.3g}", f"{one['n']:,}"]
        for name, one in found.items()
    ]


def copies_table(found: Facts) -> str:
    """How many painted pictures are copies, in each space that was searched."""
    rows = []
    for space, one in found["copies"].items():
        near, same = one["closer_to_train"], one["duplicates"]
        rows.append(
            [
                space,
                f"{near['share']:.1%}",
                span(near["interval_95"]),
                f"{near['n']:,}" if "n" in near else f"{near['decided']:,}",
                str(same["n"]),
                str(same["heldout"]),
                one["verdict"],
            ]
        )
    head = [
        "copies, searched in",
        "nearer to training than to held-out",
        "95 % interval",
        "n",
        "copies",
        "copies among held-out",
        "verdict",
    ]
    return table(head, rows, "lrrrrrl")


def clip_guidance(facts: Facts) -> list[str]:
    """Every variant of guidance that was tried."""
    rows = [
        [
            as_worded_now(name),
            *share(way["total"]),
            f"{way['total']['read'] / way['total']['n']:.1%}",
        ]
        for name, way in facts["ways"].items()
    ]
    head = ["ten digits", *HEAD, "read as requested, rejected or not"]
    return [table(head, rows, "lrrrr"), "More: [Three tasks](three-tasks.md)."]


def flowers(facts: Facts) -> list[str]:
    """Requested facts, read by the judge and measured in the pixels."""
    read = facts["words"]
    rows = [
        ["petals in the requested colour, by the judge", *share(read["attributes"]["petals"])],
        ["the same, measured in the pixels", *share(facts["petals_measured"]["total"])],
        ["the requested species, by the judge", *share(read["attributes"]["species"])],
        ["all requested facts at once", *share(read["total"])],
    ]
    return [table(["flower requested", *HEAD], rows, "lrrr"), judge_said(facts)]


def clips(facts: Facts) -> list[str]:
    """Accuracy of the shipped models' mini-CLIPs, and how their two clouds lie."""
    known = [
        [
            name,
            f"{one['zero_shot']:.1%}",
            span(one["interval_95"]),
            str(one["classes"]),
            f"{one['retrieval']:.1%}",
            f"{one['n']:,}",
        ]
        for name, one in facts["clips"].items()
    ]
    clouds = [
        [
            name,
            f"{one['gap']:.2f}",
            f"{one['paired_cosine']:.2f}",
            f"{one['unpaired_cosine']:.2f}",
            f"{one['image_dimensions']:.1f}",
            f"{one['text_dimensions']:.1f}",
            str(one["dim"]),
        ]
        for name, one in facts["clips"].items()
    ]
    return [
        table(
            [
                "CLIP",
                "zero-shot accuracy",
                "95 % interval",
                "classes",
                "most similar of 100 captions is true",
                "n",
            ],
            known,
            "lrrrrr",
        ),
        table(
            [
                "CLIP",
                "gap",
                "cosine of pairs",
                "cosine of non-pairs",
                "effective dimensions of pictures",
                "of texts",
                "dimensions",
            ],
            clouds,
            "lrrrrrr",
        ),
    ]


def beside_real(facts: Facts) -> list[str]:
    """The figures of `evaluate` for each shipped model, and the variety of each bridge."""
    parts = []
    for name in ("digits", "flowers"):
        if name in facts:
            rows = [
                [
                    OF_PART.get(part, "") + as_worded_now(one["name"]),
                    _value(one, "value"),
                    _interval(one),
                    _value(one, "real"),
                    f"{one['n']:,}",
                ]
                for part, figures in facts[name]["figures"].items()
                for one in figures
                if not one["name"].startswith(BY_CHANCE)
            ]
            head = [
                f"`{name}`, bridge `{facts[name]['bridge']}`",
                "ours",
                "95 % interval",
                "real",
                "n",
            ]
            parts.append(table(head, rows, "lrrrr"))
    various = facts.get("variety of digits by bridge", {})
    rows = [
        [
            one if one == "real" else f"`{one}`",
            f"{of['mean_distance']:.1f}",
            f"{of['ratio']:.0%}" if "ratio" in of else "",
            f"{of['n']:,}",
        ]
        for one, of in sorted(various.items(), key=lambda row: row[0] != "real")
    ]
    head = ["two pictures of one digit", "mean feature distance", "relative to real", "n"]
    return [
        *parts,
        f"What the figures mean: [Evaluation]({FIGURES_IN_WORDS}).",
        table(head, rows, "lrrr"),
    ]


def _value(one: Facts, key: str) -> str:
    if one.get(key) is None:
        return ""
    return f"{one[key]:.1%}" if one.get("unit") == "%" else f"{one[key]:.3g}"


def _interval(one: Facts) -> str:
    if "interval_95" not in one:
        return ""
    low, high = one["interval_95"]
    return span((low, high)) if one.get("unit") == "%" else f"{low:.3g} to {high:.3g}"


def labelled(facts: Facts) -> list[str]:
    """Labelled pictures, requested by class or in words, and real ones read by the same judge."""
    planned = [*facts.get("not_measured", []), *facts]
    rows = [
        [what, *_read_cells(facts.get(part))] for part, what in LABELLED.items() if part in planned
    ]
    asked = facts.get("words", {})
    each = [[name.partition(": ")[2], *share(one)] for name, one in asked.get("values", {}).items()]
    ways = [
        [name if name.startswith("image") else f"`{name}`", *share(one["total"])]
        for name, one in facts.get("bridges_and_ceiling", {}).items()
    ]
    copies = {"copies": {"pixels": facts["copies"]}} if "copies" in facts else {"copies": {}}
    return [
        table(["", *HEAD, "read as requested, rejected or not"], rows, "lrrrr"),
        table(["requested in words", *HEAD], each, "lrrr"),
        table(["by bridge, same noise", *HEAD], ways, "lrrr"),
        table(
            ["requested in words, against real test pictures", "ours", "real", "n"],
            sets(facts.get("beside_real", {})),
            "lrrr",
        ),
        copies_table(copies),
        judge_said(facts),
    ]


def _read_cells(one: Facts | None) -> list[str]:
    """Share, interval and n, then the share read as requested, rejected or not."""
    if one is None:
        return [NOT_YET, "", "", ""]
    total = one["total"]
    return [*share(total), f"{total['read'] / total['n']:.1%}"]


def emoji(facts: Facts) -> list[str]:
    """Whether a CLIP trained on another drawing style finds a picture's own name."""
    rows = [[what, *_cells(facts.get(part))] for part, what in EMOJI.items()]
    said = (
        [
            "The scoring CLIP can judge only if it finds the names of 30 % of real noto drawings. "
            f"Verdict: {facts['verdict']}."
        ]
        if facts.get("verdict")
        else []
    )
    return [table(["own name found among 100", *HEAD], rows, "lrrr"), *said]


def noise_levels(facts: Facts) -> list[str]:
    """Error of x_0 by noise level, for two distributions of the training levels."""
    arms = facts["arms"]
    known = {"with_condition": "conditioned", "without_condition": "unconditioned"}
    head = [
        f"p_mean {arm['p_mean']:g}, p_std {arm['p_std']:g}, {said}"
        for said in known.values()
        for arm in arms.values()
    ]
    rows = [
        [f"{level:g}", *(f"{arm[key][i]:.4f}" for key in known for arm in arms.values())]
        for i, level in enumerate(facts["levels"])
    ]
    mean, linear = facts["mean_picture"], facts["linear_in_condition"]
    return [
        "Mean squared error of the predicted x_0 (pixels from -1 to 1) on the training drawings, "
        "with and without the embedding as condition.",
        table(["sigma/alpha", *head], rows, "r" * (1 + len(head))),
        f"The mean drawing has an error of {mean:.4f}, the best linear map from embeddings to "
        f"pixels {linear:.4f}; a conditioned network with a larger error has not learned to use "
        f"its condition. n = {facts['n']:,}, {facts['trained_steps']:,} training steps each.",
    ]


def judge_said(facts: Facts) -> str:
    """How accurate the judge is, and which one it was."""
    card = facts["judge"]
    read = ", ".join(f"{name} {one:.1%}" for name, one in card["figures"]["accuracy"].items())
    weak = (
        f" **A weak judge**: below {WEAK:.0%}, figures can be compared with each other, and carry "
        "no target."
        if weak_judge(facts)
        else ""
    )
    said = f"Accuracy of the judge (seed {card['seed']}) on real pictures it never saw: {read}."
    return said + weak
