"""What each idea of the course buys: one table and one plot, from the claims that were recorded.

`course/results.json` holds the claims of every lesson that was run in full, `course/seeds.json` the
same claims with other random seeds. Nothing here computes anything but shares, ratios and counts of
what stands there.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ddpm_clip.course.catalogue import LESSONS
from ddpm_clip.utils.plots.curves import Plot, draw_plots

PICTURE = "ideas.png"

SHARES = (
    ("2.b", "newer recipe instead of DLI's", "DLI's", "accepted, ours"),
    ("4.b", "guidance, w = 1", "at w = -1", "right at w = 1"),
    ("5.e", "push by the CLIP's gradient", "right without", "with the gradient"),
    ("5b.f", "bridge `shift`", "identity", "shift"),
    ("6.d", "a bridge, for your own model", "right without a bridge", "with"),
)
"""Claim, idea, count without it, count with it; both counts are of the figure "of"."""

RATIOS = (
    ("1.b", "skips (01)", "error without", "with"),
    ("3.e", "skips", "error without skips, relative", ""),
    ("3.f", "a sense of time", "error without it, relative", ""),
    ("3.g", "GELU", "error without it, relative", ""),
    ("3.h", "GroupNorm", "error without it, relative", ""),
    ("3.i", "rearranging", "error without it, relative", ""),
    ("3.j", "the residual sum", "error without it, relative", ""),
    ("3.k", "the global skip", "error without it, relative", ""),
    ("3.l", "kernel 2 instead of 3", "error without it, relative", ""),
    ("5b.b", "whole masks, learned null", "numbers, zeros", "rows, learned"),
)
"""Claim, idea, error without it, error with it; "" where the first is a ratio already."""

LONG = re.compile(r"-?\d+\.\d{4,}")
"""A number with more digits than anybody reads."""

KINDS = {
    "exact": "needs no training and always has to hold",
    "must": "has to hold in full size, or the lesson fails",
    "told": "is shown with its verdict, whatever it is",
}
VERDICTS = {True: "holds", False: "does not hold", None: "not judged"}


def claims_of(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return id -> claim, of all lessons."""
    return {one["id"]: one for lesson in results.values() for one in lesson["claims"]}


def worth_picture(results: dict[str, Any], path: Path) -> Path | None:
    """Draw what is known, with and without each idea; None if nothing is."""
    panels = list(_panels(claims_of(results)))
    return draw_plots(panels, path, columns=1, height=3.6) if panels else None


def _panels(claims: dict[str, dict[str, Any]]) -> Iterator[Plot]:
    without, having = [], []
    for id, idea, before, after in SHARES:
        if id in claims:
            figures, name = claims[id]["figures"], f"{idea.replace('`', '')} ({id})"
            without.append((name, figures[before] / figures["of"]))
            having.append((name, figures[after] / figures["of"]))
    if having:
        bars = {"without": without, "with": having}
        yield Plot("right or accepted pictures, without and with", "share", bars=bars)
    ratios = []
    for id, idea, before, after in RATIOS:
        if id in claims:
            figures = claims[id]["figures"]
            ratio = figures[before] / (figures[after] if after else 1.0)
            ratios.append((f"{idea} ({id})", ratio))
    if ratios:
        yield Plot("error without the idea, 1 is the error with it", "times", bars={"": ratios})


def worth_page(results: dict[str, Any], picture: str, seeds: dict[str, Any] | None = None) -> str:
    """Return the page in Markdown.

    Args:
        results: lesson -> its claims.
        picture: address of the picture, or "".
        seeds: lesson -> its claims with other seeds.
    """
    return "\n\n".join(_worth_parts(results, picture, seeds or {})) + "\n"


def _worth_parts(results: dict[str, Any], picture: str, seeds: dict[str, Any]) -> Iterator[str]:
    yield "# What each idea buys"
    yield (
        "Every lesson states claims, and records the figures that they rest on. Here they are "
        "together, as the lessons last ran in full. "
        "One training from one random seed stands behind each figure, so small differences mean "
        "nothing; the lessons show intervals. The column *seeds* says with how many random seeds "
        "the claim was tried, and with how many it held."
    )
    if picture:
        yield f"![Bars: pictures and errors with and without each idea]({picture})"
    yield "\n".join(f"- **{kind}**: {meaning}" for kind, meaning in KINDS.items())
    yield "\n".join(_table(results, seeds))
    missing = [f"{one.id} {one.title}" for one in LESSONS.values() if one.id not in results]
    if missing:
        yield f"Not run in full yet: {', '.join(missing)}."


def _table(results: dict[str, Any], seeds: dict[str, Any]) -> Iterator[str]:
    yield "| claim | verdict | seeds | figures |"
    yield "|---|---|---|---|"
    for id, lesson in results.items():
        for one in lesson["claims"]:
            name = f"[{one['id']}]({LESSONS[id].name}.md), {one['kind']}: {one['text']}"
            figures = ", ".join(f"{key} {short(value)}" for key, value in one["figures"].items())
            held = held_of(one, seeds.get(id, {}).get("seeds", {}))
            cells = (name, VERDICTS[one["holds"]], held, figures)
            yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def held_of(claim: dict[str, Any], seeds: dict[str, Any]) -> str:
    """Return with how many of the seeds that were tried a claim held, the lesson's own included."""
    others = [found[claim["id"]]["holds"] for found in seeds.values() if claim["id"] in found]
    verdicts = [one for one in (claim["holds"], *others) if one is not None]
    return f"{sum(verdicts)} of {len(verdicts)}"


def short(value: Any) -> str:
    """Return a figure in a few characters; numbers within a text are rounded as well."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return LONG.sub(lambda found: f"{float(found[0]):.3g}", str(value))
