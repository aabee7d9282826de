"""What in the condition makes the picture: integrated gradients from the average picture to it.

Coordinates of an embedding have no meaning of their own, so what they add is taken apart along
the directions of the classes as well, with the coordinates of the modality gap apart (Sundararajan
et al. 2017 for the integral, Adebayo et al. 2018 for random weights). Knows nothing of how the
integral is taken.
"""

from collections.abc import Generator
from typing import Any

from ddpm_clip.explain.panels.kinds import Curve, Panel, Strip, Table, mean_bars, mean_line
from ddpm_clip.explain.prompt.class_readout import class_readout
from ddpm_clip.explain.prompt.condition_parts import average_condition
from ddpm_clip.explain.prompt.path import PathAttribution, Stretch, analysed
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import not_counted, weigh
from ddpm_clip.statistics.means import means
from ddpm_clip.types import Progress

COMPLETE = 0.05
"""Largest error of the integral, as a share of what is shared out."""

QUICK_ENOUGH = 0.03
"""Error at which a quick integral is fine enough."""

READ = 0.3
"""Share of what the judge sees that the linear reading has to explain."""

INSENSITIVE = 0.5
"""Rank correlation with the attributions of random weights from which on they say nothing."""

SCORE = "score of the class"
"""What the bars count."""

SHOWN = 12
"""Coordinates with a bar of their own."""


def explain(
    target: AnalysisTarget, *, quick: bool = False, cuts: int | None = None
) -> Generator[Progress, None, Explanation]:
    """What in the condition makes the picture, by integrated gradients.

    Args:
        target: a model with a prompt, or anything that walks like one; its network must be
            differentiable in the condition.
        quick: fewer seeds and steps.
        cuts: of the way, where it is not even; None chooses.
    """
    if target.asked_class is None or target.judging is None:
        return _unread(target, "Nobody reads these pictures for what the prompt asks.")
    readout = yield from class_readout(target, *((8, 6) if quick else (24, 12)))
    if readout.r2 <= 0:
        return _unread(
            target,
            "What the judge sees of the class that was asked for cannot be "
            "read from pixels by a line.",
        )
    every = target.more_seeds(4 + 12 if quick else 12 + 16)
    seeds, held = (every[:4], every[4:]) if quick else (every[:12], every[12:])
    end = target.conditions(seeds=seeds)
    start, steps = average_condition(target, end), min(4 if quick else 6, target.settings.steps)
    most = (8 if quick else 24) if cuts is None else cuts
    coarser: dict[str, Any] = {"enough": QUICK_ENOUGH, "growth": 4} if quick else {}
    stretch = Stretch(seeds, held, steps, most, start, end, **coarser)
    found = yield from analysed(target, stretch, readout, 2 if quick else 5, not quick)
    return Explanation(
        "embedding",
        "What in the condition makes the picture",
        CAPTION,
        _panels(target, found),
        _test(found),
        verdict_of(found),
        _numbers(stretch, found),
    )


embedding = plainly(explain)


def verdict_of(found: PathAttribution) -> Verdict:
    """Pass where the integral is complete and the coordinates it names are the ones that count."""
    claims = (found.change, found.deletion.hurt, found.deletion.hurt_reverse)
    indifferent = found.random_correlation is not None and (
        abs(found.random_correlation) >= INSENSITIVE
    )
    sound = found.readout.r2 >= READ and found.integrated.error < COMPLETE
    return weigh(found.prerequisite, claims, refuted=indifferent, shown=sound)


def _test(found: PathAttribution) -> str:
    deletion, correlation = found.deletion, found.random_correlation
    test = (
        "It would fail if taking out the coordinates with the largest attributions hurt no more "
        "than taking out random ones, or the least ones (tested on seeds that had no say in their "
        "order), or if random weights gave the same attributions; it counts only where they sum "
        f"to the change within {COMPLETE:.0%}. Error of the sum: {found.integrated.error:.1%}. The "
        f"linear score explains {found.readout.r2:.0%} of what the judge sees. Log-odds lost, on "
        f"average over the number of coordinates, beyond random ones: "
        f"{deletion.hurt}; beyond the least: {deletion.hurt_reverse}."
    )
    if correlation is not None:
        test += f" Rank correlation with random weights: {correlation:.2f}."
    return test + not_counted(found.prerequisite)


CAPTION = (
    "The prompt reaches the network as a row of numbers, the condition. On the straight way from "
    "the condition of the average picture to this one the slope of a score of the finished picture "
    "is summed up; the score reads the class that was asked for (about 1 for its pictures, 0 for "
    "others). A bar says what a part of the condition adds, and the bars sum to the "
    "whole change. Directions of classes come from their names as prompts; the gap coordinates are "
    "those in which words and pictures differ whatever they mean, and should add little. The strip "
    "shows one seed along the way."
)


def _numbers(stretch: Stretch, found: PathAttribution) -> dict[str, Any]:
    integrated, deletion = found.integrated, found.deletion
    each = means(integrated.along(found.parts.parts))
    rows = zip(
        found.parts.names, each.mean.tolist(), each.low.tolist(), each.high.tolist(), strict=True
    )
    return {
        "n": len(stretch.seeds),
        "n_held": len(stretch.held),
        "steps": stretch.steps,
        "cuts": stretch.cuts,
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
        mean_bars("The coordinates that add or take most", names, list(each[:, top].T), SCORE),
        _curve(found),
        Strip(
            "One seed on the way to the prompt",
            found.x[None],
            (),
            [f"{i / (len(found.x) - 1):.0%}" for i in range(len(found.x))],
            "above: how much of the way from the average condition to this one",
        ),
    )


def _curve(found: PathAttribution) -> Curve:
    deletion, lines = found.deletion, []
    for label, values in (
        ("largest first", deletion.strongest),
        ("random", deletion.random),
        ("least first", deletion.weakest),
    ):
        lines.append(mean_line(label, deletion.sizes, values.T))
    return Curve(
        "Taking coordinates out (seeds that had no say in the order)",
        lines,
        "coordinates that were set back",
        "log-odds",
        xscale="log",
    )


def _unread(target: AnalysisTarget, why: str) -> Explanation:
    table = Table("What is asked", ["prompt", "class"], [[target.prompt, target.asked_name or "-"]])
    return Explanation(
        "embedding",
        "What in the condition makes the picture",
        CAPTION,
        (table,),
        why,
        "inconclusive",
        {"n": 0},
    )
