"""Commitment: at which noise level the class of a picture is decided, with and without words.

The class is read in x_0-hat at each step, and measured by an intervention, the U-turn
(`u_turn.py`). Test: the share of U-turns that come back falls through its midpoint within the
walk, and x_0-hat at the turn predicts which of them will.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.explain.over_time.u_turn import RocArea, UTurns, u_turns
from ddpm_clip.explain.panels.kinds import Curve, Panel, Strip
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.crossing import Halfway, halfway
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite
from ddpm_clip.explain.verdict.reading import LEVELS, SHOWN, WalkReading, columns, read, untested
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import weigh
from ddpm_clip.statistics.means import means
from ddpm_clip.types import Progress
from ddpm_clip.utils.plots.curves import Line

TITLE = "When the class is decided"
CAPTION = (
    "At each step the network predicts a finished picture (x_0-hat). The first curves show what "
    "the judge reads in it: with words, the probability of the requested class; without words, "
    "the probability of the class in which that walk will end. The U-turns test this by an "
    "intervention: finished pictures are noised to a level and denoised again without words, and "
    "the curve shows how often the same class comes back. At t50 this share is halfway between "
    "certainty and chance. Below t50 the picture itself holds its class; above it, the words or "
    "chance decide. The axes run from noise on the left to the picture on the right."
)
LEAST = 6
"""Pictures below which an interval means nothing."""

NEAR = 6.0
"""U-turns are taken at levels within this factor of those that theory and x_0-hat suggest."""


@dataclass(frozen=True, slots=True, eq=False)
class Turned:
    """Results of the U-turns.

    Attributes:
        turns: the U-turns of the curve.
        t50: the level at which the curve falls through its midpoint.
        base: share of the walks without words that end in the class of these pictures.
        speciation: the level at which classes separate by theory.
        roc_area: how well x_0-hat predicts further U-turns near t50.
        everywhere: whether U-turns were taken at every level of the walk.
    """

    turns: UTurns
    t50: Halfway
    base: float
    speciation: float
    roc_area: RocArea
    everywhere: bool


def explain(
    target: AnalysisTarget, *, quick: bool = False
) -> Generator[Progress, None, Explanation]:
    """Measure when the class of a prompt's pictures is decided: curves, U-turns and t50."""
    c, steps = target.conditions(), target.steps_of(quick)
    if target.judging is None:
        return (yield from untested(target, "commitment", TITLE, CAPTION))
    with_words = yield from read(target, c, "commitment: with words", steps)
    without_words = yield from read(target, c, "commitment: without words", steps, scale=0.0)
    prerequisite = yield from check_prerequisite(target, with_words.probs[:, -1])
    found = yield from _turn(target, with_words, without_words, target.timesteps(steps), quick)
    verdict, test = _verdict(prerequisite, found)
    return Explanation(
        "commitment",
        TITLE,
        CAPTION,
        _panels(target, with_words, without_words, found),
        test,
        verdict,
        _numbers(prerequisite, with_words, without_words, found),
    )


commitment = plainly(explain)


def _turn(
    target: AnalysisTarget,
    with_words: WalkReading,
    without_words: WalkReading,
    timesteps: list[float],
    quick: bool,
) -> Generator[Progress, None, Turned]:
    """Take U-turns at levels around the one where classes should separate, then more near t50.

    The first U-turns give t50. Whether x_0-hat predicts the outcome is tested on others, at the two
    levels nearest to t50, where the outcome is most uncertain.
    """
    n, repeats = (12, 2) if quick else (64, 6)
    at, x = theory(without_words.x), with_words.x[:n]
    read_at = without_words.halfway().at
    expected = [at, read_at] if 0 < read_at < math.inf else [at]
    low, high = min(expected) / NEAR, max(expected) * NEAR
    places = [i for i, t in enumerate(timesteps) if low <= target.ratio(t) <= high]
    places = places if len(places) >= 3 else list(range(len(timesteps)))
    turns = yield from u_turns(target, x, places, timesteps, repeats)
    base = float((without_words.ended[:, None] == turns.began).double().mean())
    t50 = halfway(turns.ratio, turns.back, (1 + base) / 2)
    middle = t50.at if 0 < t50.at < math.inf else at
    nearest = sorted(places, key=lambda i: abs(math.log(target.ratio(timesteps[i]) / middle)))[:2]
    more = yield from u_turns(
        target, x, nearest, timesteps, 2 * repeats, "U-turns near t50", fresh=n * repeats
    )
    return Turned(turns, t50, base, at, more.roc_area(), len(places) == len(timesteps))


def theory(x: Tensor) -> float:
    """Return the level at which the widest direction of pictures x rises above the noise.

    It is sigma/alpha = sqrt of the largest eigenvalue of their covariance; there the first classes
    separate (Biroli et al. 2024, speciation).
    """
    flat = x.double().flatten(1).cpu()
    values = torch.linalg.eigvalsh((flat - flat.mean(0)) @ (flat - flat.mean(0)).T)
    return math.sqrt(max(0.0, float(values[-1])) / max(1, len(x) - 1))


def _verdict(prerequisite: Prerequisite, found: Turned) -> tuple[Verdict, str]:
    test = (
        "The share of U-turns that come back to their class has to fall through its midpoint (t50) "
        "within the walk. Of two further U-turns near t50, one of which comes back, x_0-hat has "
        "to be surer of the class in the one that does, in more than half of all pairs."
    )
    if prerequisite.unmet or len(found.turns.began) < LEAST:
        return "inconclusive", f"{test} Not tested: {prerequisite.unmet or 'too few pictures'}."
    area, t50 = found.roc_area, found.t50
    where = "There is no certain t50"
    if t50.inside:
        where = f"t50 is at sigma/alpha = {t50.at:.2g} ({t50.low:.2g} to {t50.high:.2g})"
    right = f"{area.share:.0%} of {area.pairs} pairs ({area.low:.0%} to {area.high:.0%})"
    return verdict_of(found), f"{test} {where}; x_0-hat is right in {right}."


def verdict_of(found: Turned) -> Verdict:
    """Return pass if both hold, fail if one surely does not, and inconclusive otherwise."""
    area, t50 = found.roc_area, found.t50
    nowhere = found.everywhere and (t50.low == math.inf or t50.high == -math.inf)
    return weigh(None, (), refuted=area.high <= 0.5 or nowhere, shown=t50.inside and area.low > 0.5)


def _numbers(
    prerequisite: Prerequisite, with_words: WalkReading, without_words: WalkReading, found: Turned
) -> dict[str, Any]:
    turns, back = found.turns, means(found.turns.back)
    return {
        "n": len(turns.began),
        "turns_each": turns.ended.shape[2],
        "gate": prerequisite.as_dict(),
        "t50_sigma_over_alpha": found.t50.as_dict(),
        "same_class_by_chance": found.base,
        "read_in_x0hat": {
            "with_words": with_words.halfway().as_dict(),
            "without_words": without_words.halfway().as_dict(),
        },
        "speciation_sigma_over_alpha": found.speciation,
        "foresight": found.roc_area.as_dict(),
        "curve": {
            "sigma_over_alpha": turns.ratio,
            "back": back.mean,
            "low": back.low,
            "high": back.high,
            "foretold": turns.predicted.double().mean((0, 2)),
        },
    }


def _panels(
    target: AnalysisTarget, with_words: WalkReading, without_words: WalkReading, found: Turned
) -> tuple[Panel, ...]:
    asked, what = with_words.ended, "class in which it ends"
    if target.asked_class is not None:
        asked, what = torch.full_like(asked, target.asked_class), f"{target.asked_name} (requested)"
    lines = [
        _line(f"with words: {what}", with_words.ratio, with_words.probability_of(asked)),
        _line(
            "without words: class in which it ends",
            without_words.ratio,
            without_words.probability_of(without_words.ended),
        ),
    ]
    return (
        _strip(target, with_words, without_words),
        Curve(
            "What the judge reads in the predicted picture",
            lines,
            LEVELS,
            "probability",
            xscale="log",
            ylim=(-0.03, 1.03),
            reverse=True,
            note=_when(with_words, without_words),
        ),
        _fan(target, without_words),
        _turned(found),
    )


def _when(with_words: WalkReading, without_words: WalkReading) -> str:
    """Return a sentence on when the class read in x_0-hat becomes the final one."""
    first, without = int(with_words.decided[:, 0].sum()), without_words.halfway()
    text = (
        f"With words, {first} of {len(with_words.x)} walks show their final class from the first "
        "step on"
    )
    if not without.inside:
        return f"{text}."
    return (
        f"{text}; without words, half of the walks keep their class from sigma/alpha = "
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


def _strip(target: AnalysisTarget, with_words: WalkReading, without_words: WalkReading) -> Strip:
    at = columns(len(with_words.ratio))
    rows = torch.cat([with_words.strip[:, at], without_words.strip[:, at]])
    seeds = target.seeds[:SHOWN]
    names = [f"seed {seed}, {how}" for how in ("words", "no words") for seed in seeds]
    return Strip(
        "The predicted picture (x_0-hat), from noise to picture",
        rows,
        names,
        [f"{with_words.ratio[i]:.2g}" for i in at],
        f"Above each column: {LEVELS}.",
    )


def _fan(target: AnalysisTarget, without_words: WalkReading) -> Curve:
    """Plot one walk without words: the classes that are likely at any of its steps."""
    probs = without_words.probs[0]  # (s, k)
    shown = [k for k in probs.amax(0).argsort(descending=True).tolist() if probs[:, k].max() > 0.2]
    lines = [
        Line(target.classes[k], without_words.ratio.tolist(), probs[:, k].tolist())
        for k in shown[:6]
    ]
    return Curve(
        f"Likely classes of one walk without words (seed {target.seeds[0]})",
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
        _line("the same class comes back", turns.ratio, turns.back),
        _line("probability of it in x_0-hat at the turn", turns.ratio, turns.predicted.mean(2)),
    ]
    note = f"In theory the first classes separate at about {found.speciation:.2g}."
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
