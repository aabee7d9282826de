"""At which noise levels the words count, as Shapley values of parts of the walk.

The players are bins of the walk, evenly spaced in log-SNR. A coalition is the set of bins in which
the words act, and its value is the judge's log-odds of the requested class in the finished picture.
Test: switching on the strongest bins first, in an order learnt on other seeds, beats a random order
and the reverse order.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.explain.maths.shapley import (
    Attribution,
    CoalitionPlan,
    DeletionTest,
    attribute,
    deletion_test,
    plan,
)
from ddpm_clip.explain.over_time.plans import NONE, bins_of, planned, seeds_of
from ddpm_clip.explain.panels.kinds import Bars, Curve, Panel
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.odds import SUREST, log_odds
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite
from ddpm_clip.explain.verdict.reading import untested
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import weigh
from ddpm_clip.types import Progress
from ddpm_clip.utils.plots.curves import Line

TITLE = "At which noise levels the words count"
CAPTION = (
    "The walk is split into parts, evenly in the logarithm of the signal-to-noise ratio. The words "
    "are switched on in every combination of parts, and the judge gives the log-odds of the "
    "requested class in the finished picture. A bar is what its part adds, averaged over all "
    "combinations (Shapley value); the bars sum to the whole effect of the words. A long bar is a "
    "part in which the words change the result. The curves switch the parts on one by one: "
    "strongest first, in random order, and weakest first."
)
LEAST = 8
"""Seeds below which nothing is tested: the order is learnt on one half and tested on the other."""


@dataclass(frozen=True, slots=True, eq=False)
class _Played:
    """The game of k bins, played with n seeds.

    Attributes:
        plan: the coalitions that were played.
        ratio: (k + 1,) sigma/alpha at the borders of the bins, falling; the last is the end.
        values: (m, n) log-odds of the coalitions.
        probs: (n, classes) class probabilities of the pictures with words in all bins.
        attribution: Shapley values of the bins.
        test: deletion test with the order learnt on other seeds; None with too few seeds.
    """

    plan: CoalitionPlan
    ratio: list[float]
    values: Tensor
    probs: Tensor
    attribution: Attribution
    test: DeletionTest | None


def explain(
    target: AnalysisTarget, *, quick: bool = False, bins: int | None = None
) -> Generator[Progress, None, Explanation]:
    """Measure what each part of the walk adds to the log-odds of the requested class.

    Args:
        target: a model with a prompt that names a class of its judge.
        quick: take fewer bins and steps.
        bins: number of parts of the walk, of which all 2^bins combinations are painted; None takes
            8, or 5 with `quick`.
    """
    if target.judging is None or target.asked_class is None:
        return (yield from untested(target, "timesteps", TITLE, CAPTION))
    k = bins or (5 if quick else 8)
    steps = max(k, min(target.settings.steps, 10 if quick else 16))
    played = yield from _play(target, target.asked_class, seeds_of(target, quick), k, steps)
    prerequisite = yield from check_prerequisite(target, played.probs)
    verdict, test = _verdict(prerequisite, played)
    return Explanation(
        "timesteps",
        TITLE,
        CAPTION,
        _panels(target, played),
        test,
        verdict,
        _numbers(prerequisite, played, steps),
    )


timesteps = plainly(explain)


def _play(
    target: AnalysisTarget, asked_class: int, seeds: list[int], k: int, steps: int
) -> Generator[Progress, None, _Played]:
    todo, bins = plan(k), bins_of(steps, k)
    acting = torch.where(todo.coalitions[:, bins], 0, NONE)  # (m, steps)
    probs = yield from planned(
        target,
        acting,
        [target.conditions(seeds=seeds)],
        seeds,
        target.judge,
        steps=steps,
        stage="timesteps",
    )
    values = log_odds(probs.flatten(0, 1), asked_class).view(len(acting), -1)
    walk = target.timesteps(steps)
    ratio = [target.ratio(walk[int((bins == i).nonzero()[0])]) for i in range(k)]
    enough = values.shape[1] >= LEAST
    return _Played(
        todo,
        [*ratio, target.ratio(walk[-1])],
        values,
        probs[1],
        attribute(todo, values),
        deletion_test(todo, values) if enough else None,
    )


def _verdict(prerequisite: Prerequisite, played: _Played) -> tuple[Verdict, str]:
    found, run = played.attribution, played.test
    test = (
        "The whole effect of the words has to be above 0. With an order learnt on half of the "
        "seeds and tested on the other half, switching on the strongest parts first has to gain "
        "more than a random order, switching them off first has to cost more, and both have to "
        "differ from the reverse order."
    )
    if prerequisite.unmet or run is None:
        return "inconclusive", f"{test} Not tested: {prerequisite.unmet or 'too few seeds'}."
    claims = (found.total, run.over_random, run.under_random, run.over_reverse)
    return weigh(prerequisite, claims), (
        f"{test} The whole effect is {found.total} log-odds, and the parts sum to it. Strongest "
        f"first gains {run.over_random} more than a random order when switched on, and costs "
        f"{run.under_random} more when switched off."
    )


def _numbers(prerequisite: Prerequisite, played: _Played, steps: int) -> dict[str, Any]:
    found, run = played.attribution, played.test
    return {
        "n": found.values.shape[0],
        "steps": steps,
        "walks": played.values.numel(),
        "gate": prerequisite.as_dict(),
        "unit": "log-odds of the judge",
        "log_odds_within": float(torch.logit(torch.tensor(1 - SUREST))),
        "sigma_over_alpha": played.ratio,
        "attribution": found.means.as_dict(),
        "total": found.total.as_dict(),
        "efficiency_error": found.error,
        "exact": found.exact,
        "deletion_test": None
        if run is None
        else {
            "order": run.order,
            "insertion_over_random": run.over_random.as_dict(),
            "random_over_deletion": run.under_random.as_dict(),
            "over_reverse": run.over_reverse.as_dict(),
            "passed": run.passed,
        },
    }


def _panels(target: AnalysisTarget, played: _Played) -> tuple[Panel, ...]:
    found = played.attribution.means
    names = [
        f"{high:.2g} to {low:.2g}"
        for high, low in zip(played.ratio, played.ratio[1:], strict=False)
    ]
    total = played.attribution.total
    bars = Bars(
        f"What each part adds to “{target.asked_name}”",
        names,
        _short(found.mean),
        _short(found.low),
        _short(found.high),
        "log-odds; parts by sigma/alpha, noise at the top",
        f"The sum is {total}: the log-odds with words in all parts minus those without words.",
    )
    return (bars,) if played.test is None else (bars, _curves(played.test))


def _curves(run: DeletionTest) -> Curve:
    count = list(range(run.insertion.shape[1]))
    on, off = run.insertion.mean(0), run.deletion.mean(0).flip(0)
    lines = [
        Line("strongest first", count, on.tolist()),
        Line("random order", count, run.random.mean(0).tolist()),
        Line("weakest first", count, off.tolist()),
    ]
    low, high = float(off.min()), float(on.max())
    room = (low - 0.4 * (high - low), high + 0.06 * (high - low))  # for the legend below
    return Curve(
        "Switching the words on, part by part",
        lines,
        "number of parts with words",
        "log-odds",
        ylim=room if high > low else None,
        note="Read from right to left, “weakest first” switches the strongest parts off first. "
        "These seeds are not those on which the order was learnt.",
    )


def _short(values: Tensor) -> list[float]:
    """Round to three digits, without -0."""
    return [round(value, 3) + 0.0 for value in values.tolist()]
