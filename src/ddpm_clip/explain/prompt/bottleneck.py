"""A direction in the lowest level of the network, and what adding it does.

After the h-space of Kwon et al. 2023 (Asyrp). The mean difference of the two branches on the same
x_t is a direction for each noise level. It is found on some pictures and added while pictures of
other seeds are painted *without words*. Test: the requested class appears as the dose rises, and
not with a direction of the same length that points elsewhere.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.explain.panels.kinds import Curve, Heatmap, Strip, mean_line
from ddpm_clip.explain.prompt.lowest_level import Tap, tap_of
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.odds import log_odds
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite
from ddpm_clip.explain.verdict.reading import untested
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import above, not_counted, weigh
from ddpm_clip.statistics.means import Means, means
from ddpm_clip.types import Progress
from ddpm_clip.utils.plots.curves import Line

DOSES = {True: (0.0, 0.5, 1.0, 2.0), False: (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)}
"""Doses, with `quick` and without."""

STEPS, HELD_OUT, ELSEWHERE = {True: 10, False: 20}, {True: 16, False: 32}, {True: 1, False: 3}
"""Sampling steps, pictures on which the direction is tested, and directions that point elsewhere;
each with `quick` and without."""

COUNTS = 1.0
"""Gain of log-odds that shows that a direction matters."""

SHOWN = 8
"""Pictures per row of the strip."""

NAME, TITLE = "bottleneck", "A direction in the lowest level of the network"
CAPTION = (
    "A U-Net reduces the picture to a small feature map and builds it up again from there. What "
    "the words change in that map, averaged over some pictures, is a direction. Here it is added "
    "while pictures of other seeds are painted without words: if the class is held in this map, it "
    "appears as the dose rises. Dose 1 is what the words themselves do there. A direction of the "
    "same length that points elsewhere shows what a mere disturbance does. The heat map shows "
    "whether it is one direction at all noise levels."
)


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """What the words change in the lowest map, timestep by timestep.

    Attributes:
        of: timestep -> (ch, h, w), mean over pictures of the map with words minus that without.
        natural: timestep -> the mean length of the map without words.
    """

    of: dict[float, Tensor]
    natural: dict[float, float]

    def elsewhere(self, seed: int) -> "Directions":
        """Return directions of the same lengths and cosines with each other that point elsewhere.

        Channels are permuted and signs drawn at random, in the same way at all timesteps.
        """
        generator = torch.Generator().manual_seed(seed)
        channels = len(next(iter(self.of.values())))
        order = torch.randperm(channels, generator=generator)
        sign = 2.0 * torch.randint(2, (channels, 1, 1), generator=generator) - 1
        moved = {t: sign.to(d) * d[order.to(d.device)] for t, d in self.of.items()}
        return Directions(moved, self.natural)

    def alike(self) -> Tensor:
        """Return (s, s) the cosines of the directions of all timesteps."""
        rows = F.normalize(torch.stack([d.flatten().double().cpu() for d in self.of.values()]))
        return rows @ rows.T


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """Pictures of n seeds without words at d doses of one direction.

    Attributes:
        doses: (d,) doses; the first is 0.
        odds: (n, d) log-odds of the requested class.
        seen: (n, d) bool, whether it is the likeliest class.
        moved: (n, d) rms distance per pixel from the picture at dose 0.
        x: (n, d, c, h, w) the pictures.
    """

    doses: tuple[float, ...]
    odds: Tensor
    seen: Tensor
    moved: Tensor
    x: Tensor

    @property
    def gain(self) -> Means:
        """Gain of log-odds from dose 0 to the largest dose, paired by seed."""
        return means(self.odds[:, -1] - self.odds[:, 0])

    @property
    def falls(self) -> bool:
        """Whether some step to a larger dose surely lowers the log-odds."""
        return bool((means(self.odds.diff(dim=1)).high < 0).any())


def explain(
    target: AnalysisTarget, *, quick: bool = False
) -> Generator[Progress, None, Explanation]:
    """Measure the response to doses of what the words change in the lowest level of the network."""
    tap = tap_of(target)
    if tap is None or target.judging is None or target.asked_class is None:
        empty = yield from untested(target, NAME, TITLE, CAPTION)
        return empty if tap is not None else _without_map(empty)
    steps = min(STEPS[quick], len(target.timesteps()))
    found, ends = yield from directions(target, tap, steps)
    prerequisite = yield from check_prerequisite(target, target.judge(ends).cpu())
    seeds = target.more_seeds(HELD_OUT[quick], start=len(target.seeds))
    true = yield from respond(target, tap, found, DOSES[quick], seeds, steps)
    elsewhere, most = [], (0.0, *DOSES[quick][-1 if quick else -2 :])
    for i in range(ELSEWHERE[quick]):
        other = found.elsewhere(max(seeds) + i)
        elsewhere.append((yield from respond(target, tap, other, most, seeds, steps)))
    # compare with the mean of several: their maximum would be stricter than chance
    apart = means(true.odds[:, -1] - torch.stack([one.odds[:, -1] for one in elsewhere]).mean(0))
    verdict, test = _verdict(target, true, apart, prerequisite)
    panels = (
        _strip(target, true, elsewhere[0]),
        _curve(true, elsewhere),
        _moved(true, elsewhere),
        _alike(target, found),
    )
    return Explanation(
        NAME,
        TITLE,
        CAPTION,
        panels,
        test,
        verdict,
        _numbers(tap, found, true, elsewhere, apart, prerequisite),
    )


bottleneck = plainly(explain)


def directions(
    target: AnalysisTarget, tap: Tap, steps: int
) -> Generator[Progress, None, tuple[Directions, Tensor]]:
    """Return what the words change at the tap along the target's walks, and the final pictures."""
    c = target.conditions()
    branches = target.branches(c)
    found, natural, x = {}, {}, None
    for step in target.walk(c, steps=steps):
        with tap.open():
            branches(step.x_t, step.t)
        assert tap.feature_map is not None
        # both branches are evaluated in one call, the one with words first
        with_words, without = tap.feature_map.chunk(2)
        found[step.t] = (with_words - without).mean(0)
        natural[step.t] = float(without.flatten(1).norm(dim=1).mean())
        x = step.x_prev
        yield Progress("bottleneck: direction of the words", step.i + 1, steps)
    assert x is not None
    return Directions(found, natural), x


def respond(
    target: AnalysisTarget,
    tap: Tap,
    found: Directions,
    doses: tuple[float, ...],
    seeds: list[int],
    steps: int,
) -> Generator[Progress, None, Response]:
    """Paint without words while adding each dose to the lowest map, from the same noise."""
    assert target.asked_class is not None
    c, pictures = target.conditions(seeds=seeds), []
    for dose in doses:
        with tap.open():
            pictures.append(
                (
                    yield from target.pictures(
                        c,
                        seeds,
                        stage=f"bottleneck: dose {dose:g}",
                        scale=0.0,
                        steps=steps,
                        wrap=tap.adding(found.of, dose) if dose else None,
                    )
                )
            )
    probs = [target.judge(x).cpu() for x in pictures]
    odds = torch.stack([log_odds(one, target.asked_class) for one in probs], 1)
    seen = torch.stack([one.argmax(1) == target.asked_class for one in probs], 1)
    x = torch.stack(pictures, 1).cpu()
    return Response(doses, odds, seen, (x - x[:, :1]).flatten(2).square().mean(2).sqrt(), x)


def _verdict(
    target: AnalysisTarget, true: Response, apart: Means, prerequisite: Prerequisite
) -> tuple[Verdict, str]:
    gain = true.gain
    test = (
        f"Dose {true.doses[-1]:g} raises the log-odds of {target.asked_name} in {len(true.x)} "
        f"pictures of other seeds by {gain} (has to be above {COUNTS:g}, interval included), which "
        f"is {apart} more than with directions that point elsewhere (has to be above 0). "
        f"{'A' if true.falls else 'No'} step to a larger dose surely lowers them (none may)."
    )
    verdict = weigh(prerequisite, [above(gain, COUNTS), apart], refuted=true.falls)
    return verdict, test + not_counted(prerequisite)


def _without_map(empty: Explanation) -> Explanation:
    """Return the same explanation, for want of a feature map."""
    return replace(empty, test="Not tested: the network has no inner map to read.")


def _numbers(
    tap: Tap,
    found: Directions,
    true: Response,
    elsewhere: list[Response],
    apart: Means,
    prerequisite: Prerequisite,
) -> dict[str, Any]:
    length = [float(d.norm()) / max(found.natural[t], 1e-12) for t, d in found.of.items()]
    return {
        "n": len(true.x),
        "place": tap.name,
        "shape": list(next(iter(found.of.values())).shape),
        "length_beside_the_map": length,
        "doses": true.doses,
        "log_odds": means(true.odds).as_dict(),
        "seen": true.seen.double().mean(0),
        "moved": means(true.moved).as_dict(),
        "gain": true.gain.as_dict(),
        "astray": [
            {
                "doses": one.doses,
                "log_odds": means(one.odds).as_dict(),
                "seen": one.seen.double().mean(0),
            }
            for one in elsewhere
        ],
        "gain_beyond_astray": apart.as_dict(),
        "gate": prerequisite.as_dict(),
    }


def _strip(target: AnalysisTarget, true: Response, elsewhere: Response) -> Strip:
    rows = [*true.x[:SHOWN].transpose(0, 1), elsewhere.x[:SHOWN, -1]]
    names = [
        "without words",
        *(f"dose {dose:g}" for dose in true.doses[1:]),
        f"elsewhere, {elsewhere.doses[-1]:g}",
    ]
    return Strip(
        f"Pictures without words at rising doses of “{target.asked_name}”", torch.stack(rows), names
    )


def _curve(true: Response, elsewhere: list[Response]) -> Curve:
    lines = [mean_line("direction of the words", true.doses, true.odds)]
    lines += [mean_line("direction elsewhere", one.doses, one.odds) for one in elsewhere]
    return Curve(
        "Response to the dose, on other seeds", lines, "dose", "log-odds of the requested class"
    )


def _moved(true: Response, elsewhere: list[Response]) -> Curve:
    lines = [Line("direction of the words", true.doses, true.moved.mean(0).tolist())]
    lines += [
        Line("direction elsewhere", one.doses, one.moved.mean(0).tolist()) for one in elsewhere
    ]
    return Curve("How far the picture moves", lines, "dose", "rms per pixel")


def _alike(target: AnalysisTarget, found: Directions) -> Heatmap:
    names = [f"{target.ratio(t):.2g}" for t in found.of]
    return Heatmap(
        "Is it one direction at all noise levels? (cosines)",
        found.alike(),
        names,
        names,
        "cosine",
        "sigma/alpha",
        "sigma/alpha",
        numbers=False,
        diverging=True,
    )
