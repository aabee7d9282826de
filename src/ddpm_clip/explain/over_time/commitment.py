"""Commitment: at which noise level the class of a picture is decided, with words and without.

Read off x_0-hat on the way down, and found by an intervention, the U-turn (`u_turn.py`). Test:
the share of turns that come back falls through half within the walk, and x_0-hat at the turn tells
those that will from those that will not. Knows nothing of reports.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.explain.over_time.u_turn import Foresight, UTurns, u_turns
from ddpm_clip.explain.panels.kinds import Curve, Panel, Strip
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.crossing import Halfway, halfway
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite
from ddpm_clip.explain.verdict.reading import LEVELS, SHOWN, WalkReading, columns, read, unread
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import weigh
from ddpm_clip.statistics.means import means
from ddpm_clip.types import Progress
from ddpm_clip.utils.plots.curves import Line

TITLE = "When the class is decided"
CAPTION = (
    "At each step the network foresees a finished picture. The first curves say what a judge reads "
    "in it: with the words, how surely the class asked for; without them, how often already the "
    "class in which that walk will end. The second turns finished pictures round: noise them to a "
    "level, denoise them without words, and see how often the same class comes back. Where half "
    "of them do (t50), the picture itself no longer holds its class; above it the words or chance "
    "decide. Read the axes from left to right as the walk goes, from noise to picture."
)
LEAST = 6
"""Pictures below which no interval is worth its name."""

NEAR = 6.0
"""How far turns are taken from where theory and the foreseen class expect them, as a factor."""


@dataclass(frozen=True, slots=True, eq=False)
class Turned:
    """What came of the U-turns.

    Attributes:
        turns: of the curve.
        t50: where it is halfway.
        base: share of the walks without words that end in the class of these pictures.
        at: where theory has the classes part.
        foresight: of further turns near t50.
        everywhere: were turns taken at every level of the walk?
    """

    turns: UTurns
    t50: Halfway
    base: float
    at: float
    foresight: Foresight
    everywhere: bool


def explain(
    target: AnalysisTarget, *, quick: bool = False
) -> Generator[Progress, None, Explanation]:
    """When the class of a prompt's pictures is decided: curves, U-turns, t50 with intervals."""
    c, steps = target.conditions(), target.steps_of(quick)
    if target.judging is None:
        return (yield from unread(target, "commitment", TITLE, CAPTION))
    spoken = yield from read(target, c, "commitment: with words", steps)
    silent = yield from read(target, c, "commitment: without words", steps, scale=0.0)
    prerequisite = yield from check_prerequisite(target, spoken.probs[:, -1])
    found = yield from _turn(target, spoken, silent, target.timesteps(steps), quick)
    verdict, test = _verdict(prerequisite, found)
    return Explanation(
        "commitment",
        TITLE,
        CAPTION,
        _panels(target, spoken, silent, found),
        test,
        verdict,
        _numbers(prerequisite, spoken, silent, found),
    )


commitment = plainly(explain)


def _turn(
    target: AnalysisTarget, spoken: WalkReading, silent: WalkReading, rows: list[float], quick: bool
) -> Generator[Progress, None, Turned]:
    """A curve of turns where classes should part, then more at its middle.

    The first give t50; whether x_0-hat foretells the end is asked of others at the two levels next
    to it, where there is most to tell.
    """
    n, repeats = (12, 2) if quick else (64, 6)
    at, x = theory(silent.x), spoken.x[:n]
    read_at = silent.halfway().at
    expected = [at, read_at] if 0 < read_at < math.inf else [at]
    low, high = min(expected) / NEAR, max(expected) * NEAR
    places = [i for i, t in enumerate(rows) if low <= target.ratio(t) <= high]
    places = places if len(places) >= 3 else list(range(len(rows)))
    turns = yield from u_turns(target, x, places, rows, repeats)
    base = float((silent.ended[:, None] == turns.began).double().mean())
    t50 = halfway(turns.ratio, turns.back, (1 + base) / 2)
    middle = t50.at if 0 < t50.at < math.inf else at
    nearest = sorted(places, key=lambda i: abs(math.log(target.ratio(rows[i]) / middle)))[:2]
    more = yield from u_turns(
        target, x, nearest, rows, 2 * repeats, "U-turns at the middle", fresh=n * repeats
    )
    return Turned(turns, t50, base, at, more.foresight(), len(places) == len(rows))


def theory(x: Tensor) -> float:
    """The level at which the widest direction of pictures x stands out of the noise.

    sigma/alpha = sqrt of the largest eigenvalue of their covariance: there the first classes part
    (Biroli et al. 2024, speciation).
    """
    flat = x.double().flatten(1).cpu()
    values = torch.linalg.eigvalsh((flat - flat.mean(0)) @ (flat - flat.mean(0)).T)
    return math.sqrt(max(0.0, float(values[-1])) / max(1, len(x) - 1))


def _verdict(prerequisite: Prerequisite, found: Turned) -> tuple[Verdict, str]:
    test = (
        "The share of U-turns that come back has to fall through half of its way within the "
        "walk, and of two further turns near there x_0-hat has to be surer of the class at the "
        "one that comes back, more often than not."
    )
    if prerequisite.closed or len(found.turns.began) < LEAST:
        return "inconclusive", f"{test} Not tested: {prerequisite.closed or 'too few pictures'}."
    seen, t50 = found.foresight, found.t50
    where = f"at sigma/alpha = {t50.at:.2g} ({t50.low:.2g} to {t50.high:.2g})"
    right = f"{seen.share:.0%} of {seen.pairs} pairs ({seen.low:.0%} to {seen.high:.0%})"
    return verdict_of(found), (
        f"{test} It falls {where if t50.inside else 'nowhere surely'}; x_0-hat is right in {right}."
    )


def verdict_of(found: Turned) -> Verdict:
    """Pass where both hold, fail where one surely does not; what an interval spans is open."""
    seen, t50 = found.foresight, found.t50
    nowhere = found.everywhere and (t50.low == math.inf or t50.high == -math.inf)
    return weigh(None, (), refuted=seen.high <= 0.5 or nowhere, shown=t50.inside and seen.low > 0.5)


def _numbers(
    prerequisite: Prerequisite, spoken: WalkReading, silent: WalkReading, found: Turned
) -> dict[str, Any]:
    turns, back = found.turns, means(found.turns.back)
    return {
        "n": len(turns.began),
        "turns_each": turns.ended.shape[2],
        "gate": prerequisite.as_dict(),
        "t50_sigma_over_alpha": found.t50.as_dict(),
        "same_class_by_chance": found.base,
        "read_in_x0hat": {
            "with_words": spoken.halfway().as_dict(),
            "without_words": silent.halfway().as_dict(),
        },
        "speciation_sigma_over_alpha": found.at,
        "foresight": found.foresight.as_dict(),
        "curve": {
            "sigma_over_alpha": turns.ratio,
            "back": back.mean,
            "low": back.low,
            "high": back.high,
            "foretold": turns.foretold.double().mean((0, 2)),
        },
    }


def _panels(
    target: AnalysisTarget, spoken: WalkReading, silent: WalkReading, found: Turned
) -> tuple[Panel, ...]:
    asked, what = spoken.ended, "class it ends in"
    if target.asked_class is not None:
        asked, what = (
            torch.full_like(asked, target.asked_class),
            f"{target.asked_name}, as asked for",
        )
    lines = [
        _line(f"with words: {what}", spoken.ratio, spoken.said_of(asked)),
        _line("without: class it ends in", silent.ratio, silent.said_of(silent.ended)),
    ]
    return (
        _strip(target, spoken, silent),
        Curve(
            "What a judge reads in the foreseen picture",
            lines,
            LEVELS,
            "probability",
            xscale="log",
            ylim=(-0.03, 1.03),
            reverse=True,
            note=_when(spoken, silent),
        ),
        _fan(target, silent),
        _turned(found),
    )


def _when(spoken: WalkReading, silent: WalkReading) -> str:
    """When the foreseen class stays what it will be, in a sentence."""
    first, without = int(spoken.decided[:, 0].sum()), silent.halfway()
    said = (
        f"With words {first} of {len(spoken.x)} walks foresee their final class from the first "
        "step on"
    )
    if not without.inside:
        return f"{said}."
    return (
        f"{said}; without, half of the walks stay with theirs from sigma/alpha = "
        f"{without.at:.2g} on ({without.low:.2g} to {without.high:.2g})."
    )


def _line(label: str, x: Tensor, values: Tensor) -> Line:
    found = means(values)
    return Line(
        label,
        x.tolist(),
        found.mean.tolist(),
        found.low.clamp(0, 1).tolist(),
        found.high.clamp(0, 1).tolist(),
    )


def _strip(target: AnalysisTarget, spoken: WalkReading, silent: WalkReading) -> Strip:
    at = columns(len(spoken.ratio))
    rows = torch.cat([spoken.strip[:, at], silent.strip[:, at]])
    seeds = target.seeds[:SHOWN]
    names = [f"seed {seed}, {how}" for how in ("words", "no words") for seed in seeds]
    return Strip(
        "The foreseen picture (x_0-hat), from noise to picture",
        rows,
        names,
        [f"{spoken.ratio[i]:.2g}" for i in at],
        f"Above each column: {LEVELS}.",
    )


def _fan(target: AnalysisTarget, silent: WalkReading) -> Curve:
    """One walk without words: the classes between which it wavers."""
    probs = silent.probs[0]  # (s, k)
    shown = [k for k in probs.amax(0).argsort(descending=True).tolist() if probs[:, k].max() > 0.2]
    lines = [
        Line(target.classes[k], silent.ratio.tolist(), probs[:, k].tolist()) for k in shown[:6]
    ]
    return Curve(
        f"One walk without words (seed {target.seeds[0]}): what it might become",
        lines,
        LEVELS,
        "probability",
        xscale="log",
        ylim=(-0.03, 1.03),
        reverse=True,
    )


def _turned(found: Turned) -> Curve:
    turns, t50 = found.turns, found.t50
    lines = [
        _line("same class comes back", turns.ratio, turns.back),
        _line("how surely x_0-hat shows it at the turn", turns.ratio, turns.foretold.mean(2)),
    ]
    note = f"The widest direction of pictures stands out of the noise at about {found.at:.2g}."
    if t50.inside:
        lines.append(Line("t50", [t50.at, t50.at], [0.0, 1.0], style="guide"))
        note = f"t50 = {t50.at:.2g} ({t50.low:.2g} to {t50.high:.2g}). {note}"
    return Curve(
        "U-turns without words",
        lines,
        LEVELS,
        "share",
        xscale="log",
        ylim=(-0.03, 1.03),
        reverse=True,
        note=note,
    )
