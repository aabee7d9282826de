"""The analysis of inversion: round trips, interpolations, out-of-domain pictures.

Test: a picture that is inverted to its noise and sampled again returns, and does so better with
more steps, as for a smooth differential equation; and on the way from one prompt to another with
the same noise, the class changes once.
"""

from collections.abc import Generator
from typing import Any

import torch

from ddpm_clip.explain.inversions.ddim_inversion import apart_from_normal
from ddpm_clip.explain.inversions.interpolations import (
    Crossing,
    Interpolation,
    between_noises,
    between_prompts,
)
from ddpm_clip.explain.inversions.other_prompt import Other, other_prompt
from ddpm_clip.explain.inversions.out_of_domain import OutOfDomain, compare_shuffled
from ddpm_clip.explain.inversions.round_trip import LEAST_GAIN, REFINE, Returned, invert_and_return
from ddpm_clip.explain.panels.kinds import Curve, Panel, Strip, mean_line
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.odds import Followed
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import above, weigh
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.statistics.means import means
from ddpm_clip.types import Progress
from ddpm_clip.utils.plots.curves import Line

STEPS_BACK = {True: (4, 8, 16), False: (5, 10, 20, 40, 80)}
"""Steps of the round trips, with `quick` and without."""

PICTURES, FRAMES, STEPS = {True: 8, False: 16}, {True: 7, False: 13}, {True: 8, False: 20}
NOISE_FRAMES = {True: 5, False: 13}

COUNTS = 3.0
"""dB by which a returned picture has to be nearer than another picture of the same prompt."""

SHOWN = 4
"""Interpolations that are shown."""

NAME, TITLE = "inversion", "Back to the noise, and between two prompts"
CAPTION = (
    "Sampling without fresh noise can be run backwards: from a finished picture to the noise it "
    "comes from. The first strip shows pictures, their noise, what returns when it is sampled "
    "again, and what the same noise becomes under another prompt, which often keeps the style. "
    "Its last row shows the same pictures with shuffled tiles, which the model would not paint. "
    "The other strips interpolate from one prompt to another with the same noise, and from one "
    "noise to another with the same prompt; the curves show what the judge reads on the way."
)


def explain(
    target: AnalysisTarget, *, quick: bool = False, other: str | None = None
) -> Generator[Progress, None, Explanation]:
    """Invert pictures and sample them again, and interpolate between prompts and noises.

    Args:
        target: the model and the prompt.
        quick: take fewer pictures, frames and steps.
        other: the prompt at the far end; None takes one for another class.
    """
    towards = other_prompt(target, other)
    seeds = target.more_seeds(PICTURES[quick])
    returned = yield from invert_and_return(
        target, seeds, STEPS_BACK[quick], towards, target.steps_of(quick)
    )
    foreign = compare_shuffled(target, seeds, returned.x, returned.noise, returned.steps[-1])
    steps, crossing = min(STEPS[quick], len(target.timesteps())), None
    if towards is not None and target.judging is not None and target.asked_class is not None:
        way = yield from between_prompts(target, towards.prompt, FRAMES[quick], seeds, steps)
        crossing = Crossing(way, target.asked_class, towards.asked_class)
    pairs = list(zip(seeds[::2], seeds[1::2], strict=False))[: SHOWN if quick else None]
    arcs = yield from between_noises(target, pairs, NOISE_FRAMES[quick], steps)
    lines = yield from between_noises(target, pairs, NOISE_FRAMES[quick], steps, straight=True)
    verdict, test = _verdict(returned, crossing, towards)
    panels: list[Panel] = [_strip(returned, towards, foreign), _fidelity(returned)]
    if crossing is not None and towards is not None:
        panels += [
            _frames(f"From “{target.prompt}” to “{towards.prompt}”, the same noise", crossing.way),
            _read(target, crossing),
        ]
    panels += [_frames("From one noise to another, the same prompt", arcs)]
    if target.asked_class is not None and target.judging is not None:
        panels.append(_kept(arcs, lines, target.asked_class))
    numbers = _numbers(target, returned, foreign, crossing, towards, arcs, lines)
    return Explanation(NAME, TITLE, CAPTION, tuple(panels), test, verdict, numbers)


inversion = plainly(explain)


def _verdict(
    returned: Returned, crossing: Crossing | None, towards: Other | None
) -> tuple[Verdict, str]:
    gains, refinement = returned.gains.mean, returned.refinement.mean
    claims = [above(returned.nearer, COUNTS), *returned.claims]
    test = (
        f"With {returned.steps[-1]} steps, what returns is {returned.nearer} dB nearer to the "
        f"picture than another picture of the prompt is (has to be above {COUNTS:g}, interval "
        f"included). Each doubling of the steps gains {float(gains.min()):.1f} to "
        f"{float(gains.max()):.1f} dB (has to be above {LEAST_GAIN:g}; a first-order solver gains "
        f"6 in the limit), and the refinement gains {float(refinement.min()):.1f} dB or more (has "
        "to be above 0)."
    )
    if crossing is None or towards is None:
        return weigh(None, claims, shown=False), (
            f"{test} Interpolations to another class are not tested: that takes a judge and a "
            "requested class."
        )
    n, k = len(crossing.once), int(crossing.once.sum())
    low, high = wilson(k, n)
    test += (
        f" {k} of {n} interpolations to “{towards.prompt}” change their class exactly once (most "
        "have to)."
    )
    here, there = crossing.ends
    if not (here.enough and there.enough):
        return weigh(None, claims, shown=False), (
            f"{test} But the judge sees the requested class at only {here.seen} of {n} beginnings "
            f"and {there.seen} of {n} ends."
        )
    return weigh(None, claims, refuted=high <= 0.5, shown=low > 0.5), test


def _numbers(
    target: AnalysisTarget,
    returned: Returned,
    foreign: OutOfDomain,
    crossing: Crossing | None,
    towards: Other | None,
    arcs: Interpolation,
    lines: Interpolation,
) -> dict[str, Any]:
    noise = returned.noise
    numbers: dict[str, Any] = {
        "n": len(returned.x),
        "fineness": returned.steps,
        "psnr": means(returned.plain).as_dict(),
        "psnr_refined": means(returned.refined).as_dict(),
        "psnr_stranger": means(returned.another).as_dict(),
        "nearer": returned.nearer.as_dict(),
        "gains": returned.gains.as_dict(),
        "refinement_brings": returned.refinement.as_dict(),
        "noise": {
            "std": means(noise.flatten(1).std(1)).as_dict(),
            "apart_from_normal": means(apart_from_normal(noise)).as_dict(),
        },
        "strangers": {
            "own_length": means(foreign.own).as_dict(),
            "told": foreign.distinguished,
            "strange_length": means(foreign.foreign).as_dict(),
        },
    }
    if crossing is not None and towards is not None:
        k, n = int(crossing.once.sum()), len(crossing.once)
        at = crossing.way.crossed_at(crossing.a, crossing.b)
        at = at[~at.isnan()]
        here, there = crossing.ends
        numbers["ways"] = {
            "to": towards.prompt,
            "n": n,
            "once": k,
            "interval_95": wilson(k, n),
            "crossed_at": means(at).as_dict() if len(at) else None,
            "ends": [here.as_dict(), there.as_dict()],
        }
        if returned.edited is not None:
            numbers["edited"] = Followed.of(
                target.judge(returned.edited).cpu(), towards.asked_class
            ).as_dict()
    if target.asked_class is not None and arcs.probs.shape[2]:
        numbers["between_noises"] = {
            name: {
                "shares": way.shares,
                "n": len(way.x),
                "seen": way.seen(target.asked_class).double().mean(0),
            }
            for name, way in (("arc", arcs), ("line", lines))
        }
    return numbers


def _strip(returned: Returned, towards: Other | None, foreign: OutOfDomain) -> Strip:
    rows, names = (
        [returned.x, returned.noise / 3, returned.back],
        ["picture", "its noise", "what returns"],
    )
    if returned.edited is not None and towards is not None:
        rows.append(returned.edited)
        names.append(f"as “{towards.prompt}”")
    rows.append(foreign.x)
    names.append("shuffled tiles")
    shown = torch.stack([one[:8].float().cpu().clamp(-1, 1) for one in rows])
    note = (
        f"Pictures come from noise of length {foreign.own.mean():.2f} (rms per pixel; fresh noise "
        f"has 1), pictures with shuffled tiles from {foreign.foreign.mean():.2f}, which "
        f"distinguishes them in {foreign.distinguished:.0%} of pairs."
    )
    return Strip("To the noise and back", shown, names, note=note)


def _fidelity(returned: Returned) -> Curve:
    x = list(returned.steps)
    lines = []
    for label, values in (
        ("DDIM inversion", returned.plain),
        (f"with {REFINE} rounds of refinement", returned.refined),
    ):
        lines.append(mean_line(label, x, values))
    another = float(returned.another.mean())
    lines.append(Line("another picture of the prompt", [x[0], x[-1]], [another] * 2, style="guide"))
    return Curve("How well pictures return", lines, "steps", "PSNR in dB", xscale="log")


def _frames(title: str, way: Interpolation) -> Strip:
    return Strip(title, way.x[:SHOWN], (), [f"{share:.2f}" for share in way.shares])


def _read(target: AnalysisTarget, crossing: Crossing) -> Curve:
    lines = []
    for k in (crossing.a, crossing.b):
        lines.append(mean_line(target.classes[k], crossing.way.shares, crossing.way.probs[..., k]))
    return Curve(
        "What the judge reads between the two prompts",
        lines,
        "share of the way",
        "probability",
        ylim=(-0.05, 1.05),
    )


def _kept(arcs: Interpolation, lines: Interpolation, asked_class: int) -> Curve:
    drawn = []
    for label, way in (("along the arc", arcs), ("along the straight line", lines)):
        drawn.append(mean_line(label, way.shares, way.probs[..., asked_class]))
    return Curve(
        "Probability of the requested class between two noises",
        drawn,
        "share of the way",
        "probability",
        ylim=(-0.05, 1.05),
        note="In the middle of a straight line the noise is shorter than real noise; an arc keeps "
        "its length.",
    )
