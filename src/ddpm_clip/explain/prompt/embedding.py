"""Which part of the condition makes the picture, by integrated gradients from the average picture.

A single coordinate of an embedding has no meaning, so the sum is also split along the directions of
the classes, with the coordinates of the modality gap as a part of their own (Sundararajan et al.
2017 for the integral, Adebayo et al. 2018 for random weights). Test: setting back the coordinates
with the largest attributions costs more than setting back others, on other seeds.
"""

from collections.abc import Generator
from typing import Any

from ddpm_clip.explain.panels.kinds import Curve, Panel, Strip, Table, mean_bars, mean_line
from ddpm_clip.explain.prompt.class_readout import class_readout
from ddpm_clip.explain.prompt.condition_parts import average_condition
from ddpm_clip.explain.prompt.path import PathAttribution, PathSetup, attribute_path
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.prerequisite import why_untested
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import not_counted, weigh
from ddpm_clip.statistics.means import means
from ddpm_clip.types import Progress

COMPLETE = 0.05
"""Largest error of the integral, as a share of the change that is attributed."""

QUICK_ENOUGH = 0.03
"""Relative error at which a quick integral is precise enough."""

READ = 0.3
"""Share of the judge's output that the linear readout has to explain."""

INSENSITIVE = 0.5
"""Rank correlation with random weights at which the attributions mean nothing."""

SCORE = "score of the class"
"""Unit of the bars."""

TITLE = "Which part of the condition makes the picture"

SHOWN = 12
"""Coordinates with a bar of their own."""


def explain(
    target: AnalysisTarget, *, quick: bool = False, cuts: int | None = None
) -> Generator[Progress, None, Explanation]:
    """Attribute the picture to parts of the condition, by integrated gradients.

    Args:
        target: the model and the prompt; the network has to be differentiable in the condition.
        quick: take fewer seeds and steps.
        cuts: most subdivisions of the line of conditions; None chooses.
    """
    if target.asked_class is None or target.judging is None:
        return _untested(target, why_untested(target))
    readout = yield from class_readout(target, *((8, 6) if quick else (24, 12)))
    if readout.r2 <= 0:
        return _untested(
            target,
            "no linear readout of the pixels explains the judge's probability of the requested "
            "class",
        )
    every = target.more_seeds(4 + 12 if quick else 12 + 16)
    seeds, held = (every[:4], every[4:]) if quick else (every[:12], every[12:])
    end = target.conditions(seeds=seeds)
    start, steps = average_condition(target, end), min(4 if quick else 6, target.settings.steps)
    most = (8 if quick else 24) if cuts is None else cuts
    coarser: dict[str, Any] = {"enough": QUICK_ENOUGH, "growth": 4} if quick else {}
    setup = PathSetup(seeds, held, steps, most, start, end, **coarser)
    found = yield from attribute_path(target, setup, readout, 2 if quick else 5, not quick)
    return Explanation(
        "embedding",
        TITLE,
        CAPTION,
        _panels(target, found),
        _test(found),
        verdict_of(found),
        _numbers(setup, found),
    )


embedding = plainly(explain)


def verdict_of(found: PathAttribution) -> Verdict:
    """Return pass if the integral is complete and its largest coordinates are those that count."""
    claims = (found.change, found.deletion.hurt, found.deletion.hurt_reverse)
    insensitive = found.random_correlation is not None and (
        abs(found.random_correlation) >= INSENSITIVE
    )
    sound = found.readout.r2 >= READ and found.integrated.error < COMPLETE
    return weigh(found.prerequisite, claims, refuted=insensitive, shown=sound)


def _test(found: PathAttribution) -> str:
    deletion, correlation = found.deletion, found.random_correlation
    test = (
        "The attributions have to sum to the change of the score within "
        f"{COMPLETE:.0%} (error: {found.integrated.error:.1%}), and the score has to explain "
        f"{READ:.0%} of the judge's output (explained: {found.readout.r2:.0%}). On seeds that were "
        "not used to rank the coordinates, setting back those with the largest attributions first "
        "has to cost more log-odds than a random order and than the reverse order. Averaged over "
        f"the number of coordinates, it costs {deletion.hurt} more than a random order and "
        f"{deletion.hurt_reverse} more than the reverse order."
    )
    if correlation is not None:
        test += (
            " Random weights have to give other attributions (rank correlation "
            f"{correlation:.2f}; allowed: below {INSENSITIVE:g} either way)."
        )
    return test + not_counted(found.prerequisite)


CAPTION = (
    "The prompt reaches the network as a vector, the condition. The analysis follows the straight "
    "line from the condition of the average picture to that of the prompt, and integrates the "
    "gradient of a score of the finished picture; the score is about 1 for pictures of the "
    "requested class and 0 for others. A bar is what a part of the condition adds, and the bars "
    "of all parts sum to the whole change. Class directions come from the class names as prompts; "
    "the gap coordinates are those in which pictures and texts differ whatever they show, and "
    "should add little. The curves set coordinates back to the average picture's: largest first, "
    "at random, and smallest first. The strip shows one seed along the line."
)


def _numbers(setup: PathSetup, found: PathAttribution) -> dict[str, Any]:
    integrated, deletion = found.integrated, found.deletion
    each = means(integrated.along(found.parts.parts))
    rows = zip(
        found.parts.names, each.mean.tolist(), each.low.tolist(), each.high.tolist(), strict=True
    )
    return {
        "n": len(setup.seeds),
        "n_held": len(setup.held),
        "steps": setup.steps,
        "cuts": setup.cuts,
        "gate": found.prerequisite.as_dict(),
        "readout": {"n": found.readout.n, "r2": found.readout.r2},
        "change": found.change.as_dict(),
        "completeness_error": integrated.error,
        "parts": [
            {"part": name, "adds": mean, "low": low, "high": high} for name, mean, low, high in rows
        ],
        "gap_coordinates": [
            {"coordinate": i, "adds": float(integrated.attributions[:, i].mean())}
            for i in found.parts.gap
        ],
        "coordinates": integrated.attributions.mean(0),
        "hurt_beyond_random": deletion.hurt.as_dict(),
        "hurt_beyond_least": deletion.hurt_reverse.as_dict(),
        "random_weights_rank_correlation": found.random_correlation,
    }


def _panels(target: AnalysisTarget, found: PathAttribution) -> tuple[Panel, ...]:
    parts, each = found.integrated.along(found.parts.parts), found.integrated.attributions
    top = each.mean(0).abs().topk(min(SHOWN, each.shape[1])).indices
    names = [f"{i} (gap)" if i in found.parts.gap else str(i) for i in top.tolist()]
    return (
        mean_bars(
            f"What the parts of the condition add to {target.asked_name}",
            found.parts.names,
            list(parts.T),
            SCORE,
        ),
        mean_bars("The largest coordinates", names, list(each[:, top].T), SCORE),
        _curve(found),
        Strip(
            "One seed, from the average condition to the prompt's",
            found.x[None],
            (),
            [f"{i / (len(found.x) - 1):.0%}" for i in range(len(found.x))],
            "Above each column: share of the way from the average condition to the prompt's.",
        ),
    )


def _curve(found: PathAttribution) -> Curve:
    deletion, lines = found.deletion, []
    for label, values in (
        ("largest first", deletion.strongest),
        ("random order", deletion.random),
        ("smallest first", deletion.weakest),
    ):
        lines.append(mean_line(label, deletion.sizes, values.T))
    return Curve(
        "Setting coordinates back to the average picture's (on other seeds)",
        lines,
        "number of coordinates set back",
        "log-odds of the requested class",
        xscale="log",
        note="These seeds are not those on which the order was learnt.",
    )


def _untested(target: AnalysisTarget, why: str) -> Explanation:
    table = Table("Prompt", ["prompt", "class"], [[target.prompt, target.asked_name or "-"]])
    return Explanation(
        "embedding", TITLE, CAPTION, (table,), f"Not tested: {why}.", "inconclusive", {"n": 0}
    )
