"""Condition switching: in which window of steps the words have to act.

The words act in one window of steps only, and elsewhere no words act (or another prompt does); then
the reverse. Test: the shortest sufficient window, chosen on half of the seeds, does more than other
windows of the same width on the other half, and wider windows do not do less.
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
from ddpm_clip.explain.verdict.reading import untested
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import weigh
from ddpm_clip.statistics.means import Means, means
from ddpm_clip.types import Progress

TITLE = "In which steps the words act"
ENOUGH = 0.5
"""Share of the words' whole effect that a sufficient window has to have."""

SLACK = 0.1
"""Loss of probability that is tolerated when a window gets wider."""

LEAST = 8
"""Seeds below which nothing is tested."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """All windows of k bins.

    Attributes:
        start, width: (m,) first bin and number of bins.
        acting: (m, k) bool, whether a bin is in the window.
    """

    start: Tensor
    width: Tensor
    acting: Tensor

    @classmethod
    def of(cls, k: int) -> "Windows":
        """Return all k (k + 1) / 2 windows, sorted by width, then by start."""
        pairs = [(s, w) for w in range(1, k + 1) for s in range(k - w + 1)]
        start, width = (torch.tensor(one) for one in zip(*pairs, strict=True))
        at = torch.arange(k)
        acting = (at >= start[:, None]) & (at < (start + width)[:, None])
        return cls(start, width, acting)

    def map(self, values: Tensor) -> Tensor:
        """Return values (m,) as a map (widths, starts), with NaN where a window does not fit."""
        k = int(self.width.max())
        out = torch.full((k, k), torch.nan, dtype=torch.float64)
        out[self.width - 1, self.start] = values.double()
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Switched:
    """Probability of the requested class for every window, with n seeds each.

    Attributes:
        only: (m, n) with the words in the window only.
        but: (m, n) with the words everywhere but in the window.
        none: (n,) without the words.
        every: (n,) with the words in all steps.
    """

    windows: Windows
    only: Tensor
    but: Tensor
    none: Tensor
    every: Tensor

    def enough(self) -> int:
        """Return the shortest window with enough of the whole effect on the odd seeds."""
        gain = (self.only - self.none)[:, 1::2].mean(1)
        whole = float((self.every - self.none)[1::2].mean())
        widths = self.windows.width[gain >= ENOUGH * whole]
        width = int(widths.min()) if len(widths) else int(self.windows.width.max())
        return int(torch.where(self.windows.width == width, gain, -torch.inf).argmax())

    def over_others(self, best: int) -> Means | None:
        """Return its gain over other windows of the same width on the even seeds, or None."""
        others = self.windows.width == self.windows.width[best]
        others[best] = False
        if not bool(others.any()):
            return None
        return means((self.only[best] - self.only[others].mean(0))[::2])

    def less_when_wider(self) -> Means:
        """Return the largest loss of any window when it grows by one bin on either side."""
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
    """Map the windows in which the words act, by start and width.

    Args:
        target: a model with a prompt that names a class of its judge.
        quick: take fewer bins and steps.
        other: the prompt that acts elsewhere; None means that no words act there.
        bins: number of parts of the walk; None takes 8, or 5 with `quick`.
    """
    if target.judging is None or target.asked_class is None:
        return (yield from untested(target, "switching", TITLE, _caption(other)))
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
        f"The shortest window with {ENOUGH:.0%} of the words' whole effect, chosen on half of the "
        "seeds, has to do more on the other half than other windows of the same width. No window "
        f"may lose a probability of {SLACK:g} by becoming one part wider."
    )
    if prerequisite.unmet or len(found.none) < LEAST:
        return "inconclusive", f"{test} Not tested: {prerequisite.unmet or 'too few seeds'}."
    effect, best = means(found.every - found.none), found.enough()
    more, loses = found.over_others(best), found.less_when_wider()
    if more is None or float(effect.low) <= 0:
        why = (
            f"The words have no certain effect: {effect}"
            if float(effect.low) <= 0
            else "Only the whole walk is sufficient"
        )
        return weigh(prerequisite, [effect], shown=False), f"{test} {why}."
    harms = float(loses.low) >= SLACK
    return weigh(prerequisite, [effect, more], refuted=harms, shown=float(loses.mean) < SLACK), (
        f"{test} The chosen window is {_named(found, best, borders)}. It gains {more} more than "
        f"other windows; the largest loss by widening is {loses}."
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
            "sigma/alpha at which the window begins",
            "width",
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
        f"In the first map the words act in one window of the walk only, and elsewhere {instead}. "
        "The second map is the reverse: they act everywhere but in that window. Each cell is a "
        "window. The horizontal axis is where it begins, from noise on the left to the picture on "
        "the right; the vertical axis is its width. The colour is the judge's probability of the "
        "requested class. The smallest bright cell of the first map is the window in which the "
        "words are sufficient; the smallest dark cell of the second map is the window in which "
        "they are necessary."
    )


def _firsts(bins: Tensor) -> list[int]:
    return [int((bins == i).nonzero()[0]) for i in range(int(bins.max()) + 1)]
