"""The section of docs/results.md about pictures that are painted without words."""

from typing import Any

from page_tables import span, table

Facts = dict[str, Any]

HEAD = ["", "accepted by the judge", "Fréchet distance (real)", "precision (real)"]
HEAD += ["recall (real)", "told apart", "nearer to training pictures", "copies (held-out)"]


def without_words(facts: Facts) -> list[str]:
    """Each model by its unconditional branch, and from drawn conditions at several scales."""
    arms = [(name, one) for name, one in facts.items() if "against_unseen" in one]
    real = {name.partition(",")[0]: one["real_accepted"] for name, one in arms}
    taken = "; ".join(f"`{model}`: {one['share']:.1%}" for model, one in real.items())
    absent = facts.get("not_measured")
    return [
        "*No condition* is the branch that guidance needs (`generate --unconditional`), *drawn* is "
        "`ddpm-clip sample`, whose default is guidance 2. A judge rejects what looks like nothing "
        f"it knows; of real pictures that the model never saw it accepts: {taken}. *Told apart* is "
        "the share of real and painted pictures that a classifier of the judge's features tells "
        "apart (50 % is chance); *nearer to training pictures* is searched in pixels, by chance 50 "
        "% as well.",
        table(HEAD, [_row(name, one) for name, one in arms], "lrrrrrrr"),
        *([f"Not measured: {', '.join(absent)}."] if absent else []),
        "More: [Editing](editing.md#sample-of-the-same-kind-without-words).",
    ]


def _row(name: str, one: Facts) -> list[str]:
    model, _, arm = name.partition(", ")
    taken, beside = one["accepted"], one["against_unseen"]
    nearer, same = (one["copies"]["pixels"][key] for key in ("closer_to_train", "duplicates"))
    return [
        f"`{model}`, {arm}, n = {taken['n']:,}",
        f"{taken['share']:.1%} ({span(taken['interval_95'])})",
        *(
            f"{beside[figure]['painted']:.3g} ({beside[figure]['real']:.3g})"
            for figure in ("frechet", "precision", "recall")
        ),
        f"{one['told_apart']['painted']['accuracy']:.0%}",
        f"{nearer['share']:.1%} ({span(nearer['interval_95'])})",
        f"{same['n']} ({same['heldout']})",
    ]
