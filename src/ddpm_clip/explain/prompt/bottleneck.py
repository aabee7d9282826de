"""Directions at the lowest level of the network: what the words write there, and what that does.

After the h-space of Kwon et al. 2023 (Asyrp). The mean difference of the two branches on the same
x_t is a direction for each noise level; it is learnt from some pictures and added to *wordless*
pictures of other seeds. Test: what was asked for appears, the more the larger the dose, and not
with a direction as long that points elsewhere. Knows nothing of reports.
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
from ddpm_clip.explain.verdict.reading import unread
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import above, not_counted, weigh
from ddpm_clip.statistics.means import Means, means
from ddpm_clip.types import Progress
from ddpm_clip.utils.plots.curves import Line

DOSES = {True: (0.0, 0.5, 1.0, 2.0), False: (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)}
STEPS, HELD_OUT, ASTRAY = {True: 10, False: 20}, {True: 16, False: 32}, {True: 1, False: 3}
"""Steps of a walk, pictures that the direction never saw, and directions that point elsewhere;
where it is to be quick and where not."""

COUNTS = 1.0
"""Gain of log-odds below which a direction does nothing worth a name."""

SHOWN = 8

NAME, TITLE = "bottleneck", "A direction at the bottom of the network"
CAPTION = (
    "The network folds the picture into a small map and paints back up from there. What the words "
    "change in that map, averaged over some pictures, is a direction. Here it is added to "
    "pictures of other seeds that are painted without any words: if the class is held down there, "
    "it appears, the more the larger the dose. Dose 1 is what the words do themselves. A "
    "direction as long that points elsewhere shows what mere disturbance does."
)


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """What the words change at the lowest level, row by row.

    Attributes:
        of: row -> (ch, h, w), the mean over pictures of the map with words less that without.
        natural: row -> the usual length of the map itself.
    """

    of: dict[float, Tensor]
    natural: dict[float, float]

    def astray(self, seed: int) -> "Directions":
        """As long at every row and as steady from row to row, but pointing elsewhere.

        Channels are exchanged and their signs drawn, in the same way at all rows.
        """
        generator = torch.Generator().manual_seed(seed)
        channels = len(next(iter(self.of.values())))
        order = torch.randperm(channels, generator=generator)
        sign = 2.0 * torch.randint(2, (channels, 1, 1), generator=generator) - 1
        moved = {t: sign.to(d) * d[order.to(d.device)] for t, d in self.of.items()}
        return Directions(moved, self.natural)

    def alike(self) -> Tensor:
        """(r, r) cosines of the directions of all rows."""
        rows = F.normalize(torch.stack([d.flatten().double().cpu() for d in self.of.values()]))
        return rows @ rows.T


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """Wordless pictures of n seeds at d doses of one direction.

    Attributes:
        doses: (d,), the first is 0.
        odds: (n, d) log-odds of the asked class.
        seen: (n, d) is it the likeliest?
        moved: (n, d) rms of a pixel from the picture at dose 0.
        x: (n, d, c, h, w) the pictures.
    """

    doses: tuple[float, ...]
    odds: Tensor
    seen: Tensor
    moved: Tensor
    x: Tensor

    @property
    def gain(self) -> Means:
        """Of log-odds, from no dose to the largest, paired by seed."""
        return means(self.odds[:, -1] - self.odds[:, 0])

    @property
    def falls(self) -> bool:
        """Is there a step to a larger dose at which the class surely recedes?"""
        return bool((means(self.odds.diff(dim=1)).high < 0).any())


def explain(
    target: AnalysisTarget, *, quick: bool = False
) -> Generator[Progress, None, Explanation]:
    """Dose and response of what the words write into the lowest level of the network."""
    tap = tap_of(target)
    if tap is None or target.judging is None or target.asked_class is None:
        nothing = yield from unread(target, NAME, TITLE, CAPTION)
        return nothing if tap is not None else _closed(nothing)
    steps = min(STEPS[quick], len(target.timesteps()))
    found, ends = yield from directions(target, tap, steps)
    prerequisite = yield from check_prerequisite(target, target.judge(ends).cpu())
    seeds = target.more_seeds(HELD_OUT[quick], start=len(target.seeds))
    true = yield from respond(target, tap, found, DOSES[quick], seeds, steps)
    astray = []
    for i in range(ASTRAY[quick]):
        elsewhere, most = found.astray(max(seeds) + i), (0.0, *DOSES[quick][-1 if quick else -2 :])
        astray.append((yield from respond(target, tap, elsewhere, most, seeds, steps)))
    # the worst of several would be a harsher judge than chance, their mean is what chance does
    apart = means(true.odds[:, -1] - torch.stack([one.odds[:, -1] for one in astray]).mean(0))
    verdict, test = _verdict(target, true, apart, prerequisite)
    panels = (
        _strip(target, true, astray[0]),
        _curve(true, astray),
        _moved(true, astray),
        _alike(target, found),
    )
    return Explanation(
        NAME,
        TITLE,
        CAPTION,
        panels,
        test,
        verdict,
        _numbers(tap, found, true, astray, apart, prerequisite),
    )


bottleneck = plainly(explain)


def directions(
    target: AnalysisTarget, tap: Tap, steps: int
) -> Generator[Progress, None, tuple[Directions, Tensor]]:
    """What the words change at the tap along the target's own walks, and how these end."""
    c = target.conditions()
    ask = target.branches(c)
    found, natural, x = {}, {}, None
    for step in target.walk(c, steps=steps):
        with tap.open():
            ask(step.x_t, step.t)
        assert tap.heard is not None
        worded, wordless = tap.heard.chunk(2)  # both branches are asked in one call, words first
        found[step.t] = (worded - wordless).mean(0)
        natural[step.t] = float(wordless.flatten(1).norm(dim=1).mean())
        x = step.x_prev
        yield Progress("bottleneck: what the words write", step.i + 1, steps)
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
    """Paint without words and lean on the lowest level, a walk a dose from the same noise."""
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
                        wrap=tap.leaning(found.of, dose) if dose else None,
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
    said = (
        f"Dose {true.doses[-1]:g} raises the log-odds of {target.asked_name} in {len(true.x)} "
        f"pictures of other seeds by {gain} (with a 95 % interval; it has to be above "
        f"{COUNTS:g}), {apart} more than directions that point elsewhere (above 0), and "
        f"{'a' if true.falls else 'no'} step to a larger dose surely lowers them."
    )
    verdict = weigh(prerequisite, [above(gain, COUNTS), apart], refuted=true.falls)
    return verdict, said + not_counted(prerequisite)


def _closed(nothing: Explanation) -> Explanation:
    """The same without a verdict for another reason."""
    why = "Not tested: the network has no inner map that could be listened to."
    return replace(nothing, test=why)


def _numbers(
    tap: Tap,
    found: Directions,
    true: Response,
    astray: list[Response],
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
            for one in astray
        ],
        "gain_beyond_astray": apart.as_dict(),
        "gate": prerequisite.as_dict(),
    }


def _strip(target: AnalysisTarget, true: Response, astray: Response) -> Strip:
    rows = [*true.x[:SHOWN].transpose(0, 1), astray.x[:SHOWN, -1]]
    names = [
        "without words",
        *(f"dose {dose:g}" for dose in true.doses[1:]),
        f"elsewhere, {astray.doses[-1]:g}",
    ]
    return Strip(
        f"Wordless pictures, led towards “{target.asked_name}” from below", torch.stack(rows), names
    )


def _curve(true: Response, astray: list[Response]) -> Curve:
    lines = [mean_line("the direction of the words", true.doses, true.odds)]
    lines += [mean_line("as long, pointing elsewhere", one.doses, one.odds) for one in astray]
    return Curve(
        "Dose and response, on seeds that the direction never saw",
        lines,
        "dose",
        "log-odds of the asked class",
    )


def _moved(true: Response, astray: list[Response]) -> Curve:
    lines = [Line("the direction of the words", true.doses, true.moved.mean(0).tolist())]
    lines += [
        Line("as long, pointing elsewhere", one.doses, one.moved.mean(0).tolist()) for one in astray
    ]
    return Curve("How far the picture moves", lines, "dose", "rms of a pixel")


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
