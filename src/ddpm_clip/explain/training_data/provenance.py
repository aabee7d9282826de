"""Which training pictures steered a prompt, and whether any was copied.

Under the `knn` bridge a condition is mixed from words and from the nearest training pictures. Each
of these is left out in turn; then all are replaced, by the next nearest, by any, and by those of
another prompt. Test: the pictures follow the neighbours that they are given. Knows nothing of
bridges but what they ask for.
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
from ddpm_clip.explain.training_data.replacing import Replaced, leave_out, painted, replace_all
from ddpm_clip.explain.training_data.steering import BRIDGE, Steering, steering
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import above, not_counted, weigh
from ddpm_clip.statistics.means import means
from ddpm_clip.types import Progress
from ddpm_clip.utils.tensors import from_picture, to_float

STEPS, SEEDS, ALONE = {True: 8, False: 20}, {True: 12, False: 48}, {True: 4, False: 16}
"""Steps of a walk, pictures with neighbours replaced and pictures with a single one left out; where
it is to be quick and where not."""

SHOWN = 10

COUNTS = 1.0
"""Loss of log-odds below which the neighbours decide nothing worth a name."""

NAME, TITLE = "provenance", "Which training pictures steered it"
CAPTION = (
    "By the bridge knn a condition is mixed from the words and the training pictures nearest to "
    "them. The table names these, with their weight, and with how far the painted picture moves "
    "when that one is left out. The bars replace all of them at once: by the next nearest, by any "
    "training pictures, and by those that another prompt would have had, while the words stay. "
    "The copy audit asks whether a painted picture is nearer to a training picture than these "
    "are to each other. A model that paints by another bridge is asked as it would paint by knn."
)


def explain(
    target: AnalysisTarget, *, quick: bool = False
) -> Generator[Progress, None, Explanation]:
    """The neighbours of the prompt, what each of them did, and the copy audit."""
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
    """No training picture entered the condition; only the copies are looked for."""
    x = yield from painted(target, target.conditions(seeds=seeds), seeds, len(target.timesteps()))
    copied = yield from copies(target, x, quick)
    bridge = _bridge(target)
    said = (
        f"Not tested: no training picture enters a condition here (bridge: {bridge}; the "
        "bridge knn needs a bank), so none can be left out."
    )
    panels = (Strip("What the prompt gives", x[None, :SHOWN].cpu()), *copied.panels())
    numbers = {"n": len(x), "bridge": bridge, "copies": copied.as_dict()}
    return Explanation(NAME, TITLE, CAPTION, panels, said, "inconclusive", numbers)


def _bridge(target: AnalysisTarget) -> str:
    own = target.conditioner.options.bridge if target.conditioner else "none"
    return target.settings.bridge or own


def _verdict(replaced: Replaced, prerequisite: Prerequisite) -> tuple[Verdict, str]:
    matter, decide = replaced.matter, replaced.decide
    if matter is None or decide is None:
        return "inconclusive", "Not tested: no prompt of another class could be compared with."
    said = (
        f"With the neighbours of “{replaced.other}” in their place a picture moves by "
        f"{matter} (rms of a pixel, with a 95 % interval) more than with the next nearest (it has "
        f"to be above 0), and the log-odds of the asked class fall by {decide} (above {COUNTS:g})."
    )
    return weigh(prerequisite, [matter, above(decide, COUNTS)]), said + not_counted(prerequisite)


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
    """The neighbours themselves, or why they cannot be shown."""
    if target.model is None:
        return None, ""
    channels, size, _ = target.image_shape
    try:
        known = pictures_of(found.keys, target.model.config.data)
    except DdpmClipError as error:
        return None, f"They cannot be shown: {error.what}."
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
            f"This model paints by the bridge {bridge}, into which no single picture enters; "
            f"all this is what it does by the bridge {BRIDGE}. {why}"
        )
    moved = alone.mean(0).tolist()
    rows = [
        [found.keys[i], float(found.cosines[i]), float(found.weights[i]), moved[i]]
        for i in range(found.k)
    ]
    columns = ["picture", "cosine", "weight", "moves the picture by (rms)"]
    return Table("The nearest training pictures of the prompt", columns, rows, why)


def _strip(replaced: Replaced) -> Strip:
    names = ["as it is", *(f"with {name}" for name in list(replaced.x)[1:])]
    rows = torch.stack([one[:SHOWN].cpu() for one in replaced.x.values()])
    note = f"The other prompt: “{replaced.other}”." if replaced.other else ""
    return Strip("The same seeds and words with other neighbours", rows, names, (), note)


def _bars(replaced: Replaced) -> list[Bars]:
    found = [("How far the picture moves with", replaced.moved, "rms of a pixel")]
    found += [("The asked class with", replaced.odds, "log-odds")] if replaced.odds else []
    return [
        mean_bars(title, [name or "as it is" for name in values], list(values.values()), unit)
        for title, values, unit in found
    ]
