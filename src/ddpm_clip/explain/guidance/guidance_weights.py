"""The same seeds at several guidance scales: what a higher scale gains, and what it costs.

Every scale starts from the same noise, so pictures of one seed differ only by the scale, and are
compared seed by seed. Test: the weight used at each scale is the one requested, no two scales give
the same picture, and the judge is surer at the model's own scale than without words.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.explain.guidance.weight_used import WeightCheck, check_weights, steps_kept
from ddpm_clip.explain.panels.kinds import Curve, Panel, Strip, mean_line
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.recorder import Recorder
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.odds import log_odds
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import not_counted, weigh
from ddpm_clip.statistics.means import Means, means
from ddpm_clip.types import Progress
from ddpm_clip.utils.plots.curves import Line

SCALES = (0.0, 1.0, 1.5, 2.0, 3.0, 5.0)
"""Guidance scales s = 1 + w; 0 is without words, 1 the plain condition."""

EDGE = 1 - 1e-3
"""Absolute value above which a pixel counts as saturated."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Pictures of n seeds at each of g scales.

    Attributes:
        scales: (g,) guidance scales, rising.
        x: (g, n, c, h, w) pictures in [-1, 1].
        odds: (g, n) log-odds of the requested class; None without a judge or a requested class.
        likeness: (g, n) cosine of picture and prompt; None without an embedder.
        weights: the requested and the used weights at each scale.
        prerequisite: whether the prompt is followed at all; None as for `odds`.
    """

    scales: list[float]
    x: Tensor
    odds: Tensor | None
    likeness: Tensor | None
    weights: list[WeightCheck]
    prerequisite: Prerequisite | None

    @property
    def saturated(self) -> Tensor:
        """(g, n) share of the pixels at the ends of their range."""
        return (self.x.abs() > EDGE).double().flatten(2).mean(2)

    @property
    def variety(self) -> Tensor:
        """(g,) rms distance per pixel between the pictures of two seeds."""
        spread = self.x.double().var(1, correction=1) if self.x.shape[1] > 1 else 0 * self.x[:, 0]
        return (2 * spread.flatten(1).mean(1)).sqrt()

    @property
    def worst(self) -> float | None:
        """The largest difference between a used and a requested weight; None if not measured."""
        known = [one.worst for one in self.weights if one.worst is not None]
        return max(known, default=None)


def explain(
    target: AnalysisTarget, *, quick: bool = False, scales: Sequence[float] | None = None
) -> Generator[Progress, None, Explanation]:
    """Compare the same seeds at several guidance scales.

    Args:
        target: the model and the prompt.
        quick: take fewer scales, seeds and steps.
        scales: guidance scales s = 1 + w; 0 and the target's own are always included.
    """
    asked = scales if scales is not None else ((1.0, 4.0) if quick else SCALES)
    chosen = sorted({0.0, target.guidance, *map(float, asked)})
    seeds = list(target.seeds)[: 8 if quick else 32]
    compared = yield from compare(target, chosen, seeds, quick)
    return Explanation(
        "guidance_weights",
        "The same seeds at several guidance scales",
        CAPTION,
        _panels(target, compared),
        _test(target, compared),
        _verdict(target, compared),
        _numbers(target, compared),
    )


guidance_weights = plainly(explain)


def compare(
    target: AnalysisTarget, scales: list[float], seeds: list[int], quick: bool
) -> Generator[Progress, None, Compared]:
    """Paint every seed at every scale, and measure the weight on the way."""
    steps = target.steps_of(quick)
    c, count = target.conditions(seeds=seeds), len(target.timesteps(steps))
    ends, weights = [], []
    for number, scale in enumerate(scales):
        at = steps_kept(target, len(seeds), count, most=6)
        recorder = Recorder(target, c, at=at, count=count)
        walk = target.walk(c, seeds, scale=scale, steps=steps)
        for done, _ in enumerate(recorder.listen(walk), start=1):
            yield Progress("guidance weights", number * count + done, len(scales) * count)
        recording = recorder.recording()
        ends.append(recording.x_end.clamp(-1, 1))
        weights.append(check_weights(target, recording, scale))
    x, odds, likeness, prerequisite = torch.stack(ends), None, None, None
    if target.asked_class is not None and target.judging is not None:
        asked_class = target.asked_class
        odds = torch.stack([log_odds(target.judge(one), asked_class).cpu() for one in x])
        own = target.judge(x[scales.index(target.guidance)]).cpu()
        prerequisite = yield from check_prerequisite(target, own)
    words = target.embed_texts([target.prompt])
    if words is not None:
        embedded = [e for one in x if (e := target.embed(one)) is not None]
        likeness = torch.stack([F.cosine_similarity(e, words.to(e)).cpu() for e in embedded])
    return Compared(scales, x, odds, likeness, weights, prerequisite)


def gain(compared: Compared, scale: float) -> Means:
    """Return the log-odds at `scale` minus those without words, seed by seed."""
    assert compared.odds is not None
    own = compared.odds[compared.scales.index(scale)]
    return means(own - compared.odds[compared.scales.index(0.0)])


def _verdict(target: AnalysisTarget, compared: Compared) -> Verdict:
    same = bool((compared.x[1:] == compared.x[:-1]).flatten(2).all(2).any())
    if any(one.wrong for one in compared.weights) or same:
        return "fail"  # even if the prompt is not followed
    if compared.odds is None or target.guidance == 0:
        return "inconclusive"
    found = gain(compared, target.guidance)
    return weigh(compared.prerequisite, [found], shown=compared.worst is not None)


def _test(target: AnalysisTarget, compared: Compared) -> str:
    test = (
        "The weight that is used at every scale has to be the one that was requested, no two "
        "scales may give the same picture, and the judge has to be surer of the requested class at "
        f"the model's own scale ({target.guidance:g}) than without words."
    )
    if compared.worst is not None:
        test += f" The weight differs by {compared.worst:.1g} at most."
    if compared.odds is None:
        return f"{test} The rest is not tested: there is no judge for the requested class."
    found = gain(compared, target.guidance)
    return (
        f"{test} The gain is {found} log-odds (n = {found.n}).{not_counted(compared.prerequisite)}"
    )


CAPTION = (
    "Each column of the strip is one seed and each row one guidance scale s: s = 0 is without "
    "words, s = 1 is the plain condition, and higher scales exaggerate what the words change. All "
    "rows start from the same noise. The curves show what rises and what falls with the scale: the "
    "judge's log-odds of the requested class, the cosine of picture and prompt in the space of a "
    "CLIP, the variety between seeds, and the share of pixels at the ends of their range."
)


def _numbers(target: AnalysisTarget, compared: Compared) -> dict[str, Any]:
    found: dict[str, Any] = {
        "n": compared.x.shape[1],
        "scales": compared.scales,
        "own_scale": target.guidance,
        "worst_deviation_of_weight": compared.worst,
        "weights_measured": sum(one.as_dict()["measured"] for one in compared.weights),
        "saturated": compared.saturated.mean(1),
        "variety": compared.variety,
    }
    if compared.likeness is not None:
        found["likeness_to_prompt"] = compared.likeness.mean(1)
    if compared.odds is not None:
        mean = compared.odds.mean(1)
        best = int(mean.argmax())
        found |= {
            "gate": compared.prerequisite.as_dict() if compared.prerequisite else None,
            "log_odds": means(compared.odds.T).as_dict(),
            "gain": gain(compared, target.guidance).as_dict(),
            "best_scale": compared.scales[best],
            "rises_up_to_best": bool((mean[: best + 1].diff() >= 0).all()),
        }
    return found


def _panels(target: AnalysisTarget, compared: Compared) -> tuple[Panel, ...]:
    shown = min(8, compared.x.shape[1])
    panels: list[Panel] = [
        Strip(
            "The same seeds at rising guidance scales",
            compared.x[:, :shown],
            [f"s = {scale:g}" for scale in compared.scales],
        )
    ]
    if compared.odds is not None:
        panels.append(
            Curve(
                f"Log-odds of {target.asked_name}",
                [mean_line("log-odds", compared.scales, compared.odds.T)],
                "guidance scale s",
                "log-odds",
            )
        )
    if compared.likeness is not None:
        panels.append(
            Curve(
                "Cosine with the prompt",
                [mean_line("cosine", compared.scales, compared.likeness.T)],
                "guidance scale s",
                "cosine",
            )
        )
    variety = Line("variety between seeds", compared.scales, compared.variety.tolist())
    saturated = mean_line("share of saturated pixels", compared.scales, compared.saturated.T)
    panels.append(Curve("Variety and saturation", [variety, saturated], "guidance scale s"))
    return tuple(panels)
