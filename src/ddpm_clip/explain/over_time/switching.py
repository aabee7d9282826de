"""Condition switching: in which window of a walk the words have to act.

The words act in one window of steps and elsewhere nothing does (or another prompt); and the other
way round. Test: the shortest window that suffices (chosen on half of the seeds) does more than
windows of its width elsewhere (on the others), and wider windows do not do less. Knows nothing of
reports.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.explain.over_time.plans import NONE, bins_of, planned, seeds_of
from ddpm_clip.explain.panels.kinds import Heatmap, Panel
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite
from ddpm_clip.explain.verdict.reading import unread
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import weigh
from ddpm_clip.statistics.means import Means, means
from ddpm_clip.types import Progress

TITLE = "In which steps the words act"
ENOUGH = 0.5
"""Share of the words' whole effect that a window has to have, to suffice."""

SLACK = 0.1
"""How much less a wider window may do, in probability."""

LEAST = 8
"""Seeds below which nothing is tested."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Every window of k bins, as what acts in each bin.

    Attributes:
        start, width: (m,) in bins.
        acting: (m, k) bool.
    """

    start: Tensor
    width: Tensor
    acting: Tensor

    @classmethod
    def of(cls, k: int) -> "Windows":
        """All k (k + 1) / 2 of them, by width and within by start."""
        pairs = [(s, w) for w in range(1, k + 1) for s in range(k - w + 1)]
        start, width = (torch.tensor(one) for one in zip(*pairs, strict=True))
        at = torch.arange(k)
        acting = (at >= start[:, None]) & (at < (start + width)[:, None])
        return cls(start, width, acting)

    def map(self, values: Tensor) -> Tensor:
        """(widths, starts) of values (m,); nan where a window would not fit."""
        k = int(self.width.max())
        out = torch.full((k, k), torch.nan, dtype=torch.float64)
        out[self.width - 1, self.start] = values.double()
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Switched:
    """What came of every window, n seeds each, as the probability of the class asked for.

    Attributes:
        only: (m, n) with the words in the window only.
        but: (m, n) with the words everywhere but in the window.
        none: (n,) without the words.
        every: (n,) with the words everywhere.
    """

    windows: Windows
    only: Tensor
    but: Tensor
    none: Tensor
    every: Tensor

    def enough(self) -> int:
        """The shortest window that has enough of the whole effect on the odd seeds."""
        gain = (self.only - self.none)[:, 1::2].mean(1)
        whole = float((self.every - self.none)[1::2].mean())
        widths = self.windows.width[gain >= ENOUGH * whole]
        width = int(widths.min()) if len(widths) else int(self.windows.width.max())
        return int(torch.where(self.windows.width == width, gain, -torch.inf).argmax())

    def over_others(self, best: int) -> Means | None:
        """() on the even seeds, above other windows of the width; None where there are none."""
        others = self.windows.width == self.windows.width[best]
        others[best] = False
        if not bool(others.any()):
            return None
        return means((self.only[best] - self.only[others].mean(0))[::2])

    def less_when_wider(self) -> Means:
        """What a window loses when it grows by one bin on either side, where it loses most."""
        start, width = self.windows.start, self.windows.width
        lost = [self.only[0] - self.only[0]]
        for i in range(len(self.only)):
            grown = (width == width[i] + 1) & ((start == start[i]) | (start == start[i] - 1))
            lost += [self.only[i] - wider for wider in self.only[grown]]
        return means(max(lost, key=lambda one: float(one.mean())))


def explain(
    target: AnalysisTarget,
    *,
    quick: bool = False,
    other: str | None = None,
    bins: int | None = None,
) -> Generator[Progress, None, Explanation]:
    """The start-by-width map of the windows in which the words act.

    Args:
        target: a model with a prompt that names a class of its judge.
        quick: fewer bins and steps.
        other: the prompt that acts elsewhere; None is no words at all.
        bins: of the walk.
    """
    if target.judging is None or target.asked_class is None:
        return (yield from unread(target, "switching", TITLE, _caption(other)))
    k = bins or (5 if quick else 8)
    steps = max(k, min(target.settings.steps, 10 if quick else 16))
    windows, seeds = Windows.of(k), seeds_of(target, quick)
    conditions = [target.conditions(seeds=seeds)]
    if other is not None:
        conditions.append(target.conditions(other, seeds))
    on = windows.acting[:, bins_of(steps, k)]  # (m, steps)
    on = torch.cat([on, ~on])
    plan = torch.where(on, 0, NONE if other is None else 1)
    x = yield from planned(
        target, plan, conditions, seeds, target.judge, steps=steps, stage="switching"
    )
    only, but = x[..., target.asked_class].double().chunk(2)
    whole = len(windows.width) - 1  # the widest window
    found = Switched(windows, only, but, but[whole], only[whole])
    prerequisite = yield from check_prerequisite(target, x[whole])
    borders = [target.ratio(target.timesteps(steps)[i]) for i in _firsts(bins_of(steps, k))]
    verdict, test = _verdict(prerequisite, found, borders)
    return Explanation(
        "switching",
        TITLE,
        _caption(other),
        _panels(target, found, borders),
        test,
        verdict,
        _numbers(prerequisite, found, borders, steps),
    )


switching = plainly(explain)


def _verdict(
    prerequisite: Prerequisite, found: Switched, borders: list[float]
) -> tuple[Verdict, str]:
    test = (
        f"The shortest window that has {ENOUGH:.0%} of the words' effect, chosen on half of "
        "the seeds, has to do more on the others than windows of its width elsewhere, and no "
        f"window may do {SLACK:g} less for being wider."
    )
    if prerequisite.closed or len(found.none) < LEAST:
        return "inconclusive", f"{test} Not tested: {prerequisite.closed or 'too few seeds'}."
    effect, best = means(found.every - found.none), found.enough()
    more, loses = found.over_others(best), found.less_when_wider()
    if more is None or float(effect.low) <= 0:
        why = (
            f"The words have no sure effect: {effect}"
            if float(effect.low) <= 0
            else ("Nothing less than the whole walk suffices")
        )
        return weigh(prerequisite, [effect], shown=False), f"{test} {why}."
    harms = float(loses.low) >= SLACK
    return weigh(prerequisite, [effect, more], refuted=harms, shown=float(loses.mean) < SLACK), (
        f"{test} It is {_named(found, best, borders)}: {more} more than elsewhere; the most "
        f"that a wider window loses is {loses}."
    )


def _numbers(
    prerequisite: Prerequisite, found: Switched, borders: list[float], steps: int
) -> dict[str, Any]:
    best = found.enough()
    more, windows = found.over_others(best), found.windows
    return {
        "n": len(found.none),
        "steps": steps,
        "gate": prerequisite.as_dict(),
        "sigma_over_alpha": borders,
        "none": means(found.none).as_dict(),
        "every": means(found.every).as_dict(),
        "window": {
            "start": int(windows.start[best]),
            "width": int(windows.width[best]),
            "of": len(borders),
            "only_there": means(found.only[best]).as_dict(),
            "everywhere_else": means(found.but[best]).as_dict(),
            "over_other_windows": None if more is None else more.as_dict(),
        },
        "most_lost_when_wider": found.less_when_wider().as_dict(),
        "map": {
            "start": windows.start,
            "width": windows.width,
            "only": found.only.mean(1),
            "everywhere_else": found.but.mean(1),
        },
    }


def _panels(target: AnalysisTarget, found: Switched, borders: list[float]) -> tuple[Panel, ...]:
    names = [f"{ratio:.2g}" for ratio in borders]
    widths = [f"{width} of {len(borders)}" for width in range(1, len(borders) + 1)]
    maps = (
        ("The words act in one window only", found.only),
        ("The words act everywhere but in one window", found.but),
    )
    return tuple(
        Heatmap(
            title,
            found.windows.map(values.mean(1)),
            widths,
            names,
            f"probability of {target.asked_name}",
            "window begins at sigma/alpha",
            "its width",
        )
        for title, values in maps
    )


def _named(found: Switched, best: int, borders: list[float]) -> str:
    start, width = int(found.windows.start[best]), int(found.windows.width[best])
    ends = [*borders, 0.0]
    return (
        f"{width} of {len(borders)} parts, sigma/alpha from {ends[start]:.2g} to "
        f"{ends[start + width]:.2g}"
    )


def _caption(other: str | None) -> str:
    instead = "no words act" if other is None else f"the words “{other}” act"
    return (
        f"The words act in one window of the walk, and elsewhere {instead} (first map); or the "
        "other way round (second map). A cell is one window: across where it begins, from noise "
        "on the left to picture on the right, and down how wide it is. Its colour is how surely a "
        "judge finds what was asked for. The smallest bright window of the first map is where the "
        "words are enough; the smallest dark one of the second is where they cannot be done "
        "without."
    )


def _firsts(bins: Tensor) -> list[int]:
    return [int((bins == i).nonzero()[0]) for i in range(int(bins.max()) + 1)]
