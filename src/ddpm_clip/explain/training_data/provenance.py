"""Which training pictures steered a prompt, and whether any was copied.

The `knn` bridge mixes a condition from the words and the nearest training pictures. Each of these
is left out in turn; then all are replaced by the next nearest, by random ones, and by those of
another prompt. Test: the pictures follow the neighbours that they are given.
"""

from collections.abc import Generator
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.coverage.showing import pictures_of
from ddpm_clip.errors import DdpmClipError
from ddpm_clip.explain.maths.ranks import rank_correlation
from ddpm_clip.explain.panels.kinds import Bars, Panel, Strip, Table, mean_bars
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.training_data.copies import copies
from ddpm_clip.explain.training_data.replacing import (
    LABELS,
    Replaced,
    leave_out,
    painted,
    replace_all,
)
from ddpm_clip.explain.training_data.steering import BRIDGE, Steering, steering
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import above, not_counted, weigh
from ddpm_clip.statistics.means import means
from ddpm_clip.types import Progress
from ddpm_clip.utils.tensors import from_picture, to_float

STEPS, SEEDS, ALONE = {True: 8, False: 20}, {True: 12, False: 48}, {True: 4, False: 16}
"""Sampling steps, pictures with neighbours replaced, and pictures with single ones left out; each
with `quick` and without."""

SHOWN = 10
"""Pictures per strip."""

COUNTS = 1.0
"""Loss of log-odds that shows that the neighbours matter."""

NAME, TITLE = "provenance", "Which training pictures steered it"
CAPTION = (
    "The bridge knn mixes a condition from the words and the training pictures nearest to them. "
    "The first table lists these pictures, with their weights and how far the painted picture "
    "moves without each. The strip and the bars show what replacing all of them does: by the next "
    "nearest, by random training pictures, and by those of another prompt, while the words stay "
    "the same. The copy audit tests whether painted pictures are nearer to a training picture than "
    "training pictures are to each other. A model that paints by another bridge is analysed as if "
    "it used knn."
)


def explain(
    target: AnalysisTarget, *, quick: bool = False
) -> Generator[Progress, None, Explanation]:
    """Find the neighbours of the prompt, measure what each of them does, and audit for copies."""
    seeds = target.more_seeds(SEEDS[quick])
    steps = min(STEPS[quick], len(target.timesteps()))
    found = steering(target)
    if found is None:
        return (yield from _unsteered(target, seeds, quick))
    replaced = yield from replace_all(target, found, seeds, steps)
    alone = yield from leave_out(target, found, replaced, ALONE[quick], seeds, steps)
    probs = None if target.judging is None else target.judge(replaced.x[""]).cpu()
    prerequisite = yield from check_prerequisite(target, probs)
    copied = yield from copies(target, replaced.x[""], quick)
    verdict, test = _verdict(replaced, prerequisite)
    strip, why = _neighbours(target, found)
    panels: list[Panel] = [] if strip is None else [strip]
    panels += [_table(target, found, alone, why), _strip(replaced), *_bars(replaced)]
    panels += copied.panels()
    return Explanation(
        NAME,
        TITLE,
        CAPTION,
        tuple(panels),
        test,
        verdict,
        {
            "n": len(seeds),
            "bridge": _bridge(target),
            "asked_with": BRIDGE,
            "k": found.k,
            "neighbours": _rows(found, alone),
            "rank_correlation": rank_correlation(found.weights, alone.mean(0)),
            "replaced": {
                name: {
                    "moved": means(replaced.moved[name]).as_dict(),
                    **(
                        {"log_odds": means(replaced.odds[name]).as_dict()}
                        if name in replaced.odds
                        else {}
                    ),
                }
                for name in replaced.moved
            },
            "other_prompt": replaced.other,
            "other_prompt_beyond_next": None
            if replaced.matter is None
            else replaced.matter.as_dict(),
            "log_odds_lost_to_another_prompt": None
            if replaced.decide is None
            else replaced.decide.as_dict(),
            "copies": copied.as_dict(),
            "gate": prerequisite.as_dict(),
        },
    )


provenance = plainly(explain)


def _unsteered(
    target: AnalysisTarget, seeds: list[int], quick: bool
) -> Generator[Progress, None, Explanation]:
    """Audit for copies only, as no training picture enters the condition."""
    x = yield from painted(target, target.conditions(seeds=seeds), seeds, len(target.timesteps()))
    copied = yield from copies(target, x, quick)
    bridge = _bridge(target)
    test = (
        f"Not tested: no training picture enters the condition (bridge: {bridge}). The bridge knn "
        "takes a bank of training embeddings, and settings that do not insist on another bridge."
    )
    panels = (Strip("Pictures of the prompt", x[None, :SHOWN].cpu()), *copied.panels())
    numbers = {"n": len(x), "bridge": bridge, "copies": copied.as_dict()}
    return Explanation(NAME, TITLE, CAPTION, panels, test, "inconclusive", numbers)


def _bridge(target: AnalysisTarget) -> str:
    own = target.conditioner.options.bridge if target.conditioner else "none"
    return target.settings.bridge or own


def _verdict(replaced: Replaced, prerequisite: Prerequisite) -> tuple[Verdict, str]:
    matter, decide = replaced.matter, replaced.decide
    if matter is None or decide is None:
        return "inconclusive", "Not tested: there is no judge, or no prompt for another class."
    test = (
        f"With the neighbours of “{replaced.other}”, a picture moves {matter} (rms per pixel) "
        "further than with the next nearest (has to be above 0, interval included), and the "
        f"log-odds of the requested class fall by {decide} (has to be above {COUNTS:g})."
    )
    return weigh(prerequisite, [matter, above(decide, COUNTS)]), test + not_counted(prerequisite)


def _rows(found: Steering, alone: Tensor) -> list[dict[str, Any]]:
    moved = means(alone)
    return [
        {
            "key": found.keys[i],
            "row": int(found.rows[i]),
            "cosine": float(found.cosines[i]),
            "weight": float(found.weights[i]),
            "moved_without": float(moved.mean[i]),
        }
        for i in range(found.k)
    ]


def _neighbours(target: AnalysisTarget, found: Steering) -> tuple[Strip | None, str]:
    """Return a strip of the neighbours, or why they cannot be shown."""
    if target.model is None:
        return None, ""
    channels, *size = target.image_shape
    try:
        known = pictures_of(found.keys, target.model.config.data)
    except DdpmClipError as error:
        return None, f"The pictures cannot be shown: {error.what}."
    x = torch.stack([to_float(from_picture(known[key], size, channels)) for key in found.keys])
    names = [f"{weight:.0%}" for weight in found.weights.tolist()]
    return Strip(
        "The training pictures in the condition, with their weights",
        x[None, :SHOWN],
        (),
        names[:SHOWN],
    ), ""


def _table(target: AnalysisTarget, found: Steering, alone: Tensor, why: str) -> Table:
    bridge = _bridge(target)
    if bridge != BRIDGE:
        why = (
            f"This model paints by the bridge {bridge}, into which no single picture enters. This "
            f"analysis shows what it does by the bridge {BRIDGE}. {why}"
        )
    moved = alone.mean(0).tolist()
    rows = [
        [found.keys[i], float(found.cosines[i]), float(found.weights[i]), moved[i]]
        for i in range(found.k)
    ]
    columns = ["picture", "cosine", "weight", "change without it (rms)"]
    return Table("The training pictures nearest to the prompt", columns, rows, why)


def _strip(replaced: Replaced) -> Strip:
    names = [LABELS[""], *(f"with {LABELS.get(name, name)}" for name in list(replaced.x)[1:])]
    rows = torch.stack([one[:SHOWN].cpu() for one in replaced.x.values()])
    note = f"The other prompt: “{replaced.other}”." if replaced.other else ""
    return Strip("The same seeds and words with other neighbours", rows, names, (), note)


def _bars(replaced: Replaced) -> list[Bars]:
    found = [("How far pictures move with other neighbours", replaced.moved, "rms per pixel")]
    if replaced.odds:
        found.append(("Requested class with other neighbours", replaced.odds, "log-odds"))
    return [
        mean_bars(title, [LABELS.get(name, name) for name in values], list(values.values()), unit)
        for title, values, unit in found
    ]
