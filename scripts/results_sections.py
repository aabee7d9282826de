"""What the page of results tells of each benchmark: from its JSON to paragraphs and tables.

Knows nothing of files and pages.
"""

from page_tables import Facts, share, span, table

NOT_YET = "not measured yet"
HEAD = ["share", "95 % interval", "n"]
FIGURES = {"frechet": "Fréchet distance (own features; no FID)", "kid": "kernel distance (MMD²)"}
SPELLED = "“6”, “six”, “Six!”, “the digit six”, “a photo of the number six”, same noise"

LABELLED = {
    "classes": "asked by class", "words": "asked with words",
    "unseen_phrasings": "asked in phrasings that no caption has",
    "real": "real test pictures, by the same judge",
}  # fmt: skip
OF_PART = {
    "diversity": "variety: ",
    "transfer": "by a reader that learned from them: ",
    "retrieval": "by another CLIP: ",
}
"""What stands before figures of `evaluate` whose names need the title of their part."""

FIGURES_IN_WORDS = "evaluation.md#the-figures"
BY_CHANCE = "probability of"
EMOJI = {
    "painted": "painted from words",
    "ceiling": "painted from embeddings of drawings",
    "real": "real noto drawings",
    "emojitwo": "drawings that the scoring CLIP learned from",
}


def digits(facts: Facts) -> list[str]:
    """Prompts, spellings, the gate, and every digit."""
    words, found, gate = (facts.get(key, {}) for key in ("words", "agreement", "gate"))
    second = words.get("second_judge", {})
    whose = f" (seed {second['judge']['seed']})" if second else ""
    rows = {
        "in four phrasings": words.get("total"),
        f"the same by a judge that was used for nothing else{whose}": second.get("total"),
        "in phrasings that no training caption has": facts.get("unseen_phrasings", {}).get("total"),
        f"{SPELLED}: read alike": found.get("same", {}).get("total"),
        "read alike, and as asked": found.get("right", {}).get("total"),
        "times that 95 % of fifty pictures are right": gate.get("times"),
    }
    each = [
        [name.removeprefix("digit: "), *share(one)] for name, one in words.get("values", {}).items()
    ]
    return [
        table(
            ["asked for a digit", *HEAD],
            [[name, *_cells(one)] for name, one in rows.items()],
            "lrrr",
        ),
        table(["of the first, asked for", *HEAD], each, "lrrr"),
        _judge(facts),
    ]


def _cells(count: Facts | None) -> list[str]:
    """Of a count that may not be there."""
    return [NOT_YET, "", ""] if count is None else share(count)


def attributes(facts: Facts) -> list[str]:
    """One and two attributes, measured in the pixels."""
    rows = [
        [f"{title}: {what}", *share(facts[key][part])]
        for key, title in (("one_attribute", "one attribute"), ("two_attributes", "two attributes"))
        for part, what in (
            ("attributes", "on the asked side of real ones of that digit"),
            ("digit", "the digit is read"),
        )
    ]
    return [table(["asked as “a thick seven”", *HEAD], rows, "lrrr")]


def bridges(facts: Facts) -> list[str]:
    """Of each gap the best bridge against none."""
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
    text = "All bridges, and what was planted: [The modality gap](modality-gap.md)."
    return [table(head, rows, "lrrrrr"), text]


def coverage(facts: Facts) -> list[str]:
    """How often `ask` calls prompts outside that are, and that are not."""
    rows = []
    for name, model in facts["models"].items():
        for side in ("covered", "outside"):
            for kind, one in model[side].items():
                shown = [f"{one['share_outside']:.1%}", span(one["interval_95"]), f"{one['n']:,}"]
                rows.append([f"`{name}`", side, kind, *shown])
    head = ["model", "truly", "prompts", "called outside", "95 % interval", "n"]
    return [table(head, rows, "lllrrr")]


def three_tasks(facts: Facts) -> list[str]:
    """A digit by its class; any digit beside pictures that were kept out of training."""
    parts = []
    if "classes" in facts:
        found = facts["classes"]
        rows = [["by class", *share(found["total"])]]
        rows += [
            [name.removeprefix("digit: "), *share(one)] for name, one in found["values"].items()
        ]
        parts.append(table(["the class is read", *HEAD], rows, "lrrr"))
    if "unconditional" in facts:
        parts.append(_beside(facts["unconditional"]))
        parts.append(_copies(facts["unconditional"]))
    if absent := facts.get("not_measured"):
        parts.append(f"Not measured yet: {', '.join(absent)}.")
    return [*parts, "More: [Three tasks](three-tasks.md)."]


def _beside(found: Facts) -> str:
    """Unconditional pictures, and real ones in their place."""
    told, read, real = found["told_apart"], found["read"], found["real_read"]
    rows = [
        [
            "read as a digit, not rejected",
            f"{read['accepted']['share']:.1%}",
            f"{real['accepted']['share']:.1%}",
            f"{read['accepted']['n']:,}",
        ]
    ]
    rows += _sets(found["against_heldout"])
    rows.append(
        [
            "told apart by a classifier",
            f"{told['painted']['accuracy']:.1%}",
            f"{told['real']['accuracy']:.1%}",
            f"{told['painted']['n']:,}",
        ]
    )
    return table(["unconditional, against held-out pictures", "ours", "real", "n"], rows, "lrrr")


def _sets(found: Facts) -> list[list[str]]:
    """A row a figure of two sets: painted pictures against real ones, and real ones likewise."""
    return [
        [FIGURES.get(name, name), f"{one['painted']:.3g}", f"{one['real']:.3g}", f"{one['n']:,}"]
        for name, one in found.items()
    ]


def _copies(found: Facts) -> str:
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
        "copies, in",
        "nearer to training than to held-out",
        "95 % interval",
        "n",
        "copies",
        "copies among held-out",
        "verdict",
    ]
    return table(head, rows, "lrrrrrl")


def clip_guidance(facts: Facts) -> list[str]:
    """Every way that was tried."""
    rows = [
        [name, *share(way["total"]), f"{way['total']['read'] / way['total']['n']:.1%}"]
        for name, way in facts["ways"].items()
    ]
    head = ["ten digits", *HEAD, "read as it, any quality"]
    return [table(head, rows, "lrrrr"), "More: [Three tasks](three-tasks.md)."]


def flowers(facts: Facts) -> list[str]:
    """What was asked, by the judge and by the pixels."""
    read = facts["words"]
    rows = [
        ["petals in the asked colour, by the judge", *share(read["attributes"]["petals"])],
        ["the same, measured in the pixels", *share(facts["petals_measured"]["total"])],
        ["the asked species, by the judge", *share(read["attributes"]["species"])],
        ["everything asked for at once", *share(read["total"])],
    ]
    return [table(["asked for a flower", *HEAD], rows, "lrrr"), _judge(facts)]


def clips(facts: Facts) -> list[str]:
    """What the mini-CLIPs of the shipped models know, and how their two clouds lie."""
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
                "names its class (zero-shot)",
                "95 % interval",
                "names",
                "a true caption of 100",
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
                "of others",
                "dimensions filled by pictures",
                "by texts",
                "of",
            ],
            clouds,
            "lrrrrrr",
        ),
    ]


def beside_real(facts: Facts) -> list[str]:
    """What `evaluate` says of each shipped model, and how various each bridge paints."""
    parts = []
    for name in ("digits", "flowers"):
        if name in facts:
            rows = [
                [
                    OF_PART.get(part, "") + one["name"],
                    _value(one, "value"),
                    _interval(one),
                    _value(one, "real"),
                    f"{one['n']:,}",
                ]
                for part, figures in facts[name]["figures"].items()
                for one in figures
                if not one["name"].startswith(BY_CHANCE)
            ]
            head = [f"`{name}`, by `{facts[name]['bridge']}`", "ours", "95 % interval", "real", "n"]
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
    head = ["two pictures of one digit", "mean distance in features", "of real ones", "n"]
    return [
        *parts,
        f"Figures in words: [Evaluation]({FIGURES_IN_WORDS}).",
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
    """Pictures with labels: asked by class or with words, beside real ones under the same judge."""
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
        table(["", *HEAD, "read as asked, any quality"], rows, "lrrrr"),
        table(["with words, asked for", *HEAD], each, "lrrr"),
        table(["the same noise by bridge", *HEAD], ways, "lrrr"),
        table(
            ["with words, against real test pictures", "ours", "real", "n"],
            _sets(facts.get("beside_real", {})),
            "lrrr",
        ),
        _copies(copies),
        _judge(facts),
    ]


def _read_cells(one: Facts | None) -> list[str]:
    """Share, interval and n, then how many were read as asked, rejected or not."""
    if one is None:
        return [NOT_YET, "", "", ""]
    total = one["total"]
    return [*share(total), f"{total['read'] / total['n']:.1%}"]


def emoji(facts: Facts) -> list[str]:
    """Whether a CLIP that learned from another style finds a picture's own name."""
    rows = [[what, *_cells(facts.get(part))] for part, what in EMOJI.items()]
    said = (
        [
            f"Can the scoring CLIP judge? It must find the names of 30 % of real noto drawings. "
            f"Verdict: {facts['verdict']}."
        ]
        if facts.get("verdict")
        else []
    )
    return [table(["own name found among 100", *HEAD], rows, "lrrr"), *said]


def noise_levels(facts: Facts) -> list[str]:
    """Errors of x_0 by noise level, of two ways to draw the levels of training."""
    arms, told = facts["arms"], {"with_condition": "told", "without_condition": "not told"}
    head = [
        f"p_mean {arm['p_mean']:g}, p_std {arm['p_std']:g}, {said}"
        for said in told.values()
        for arm in arms.values()
    ]
    rows = [
        [f"{level:g}", *(f"{arm[key][i]:.4f}" for key in told for arm in arms.values())]
        for i, level in enumerate(facts["levels"])
    ]
    mean, linear = facts["mean_picture"], facts["linear_in_condition"]
    return [
        "Mean squared error of the clean picture (-1 to 1) that a network foresees, told the "
        "embedding or not, on the drawings it learned from.",
        table(["sigma/alpha", *head], rows, "r" * (1 + len(head))),
        f"The mean drawing leaves {mean:.4f}, the best linear map from embeddings to pixels "
        f"{linear:.4f}: a network that is told the embedding and errs more has not learned it. "
        f"n = {facts['n']:,}, {facts['trained_steps']:,} steps of training each.",
    ]


def _judge(facts: Facts) -> str:
    """How far the judge is to be trusted, and which one it was."""
    card = facts["judge"]
    read = ", ".join(f"{name} {one:.1%}" for name, one in card["figures"]["accuracy"].items())
    return (
        f"The judge (seed {card['seed']}) reads real pictures that it never saw right in: {read}."
    )
