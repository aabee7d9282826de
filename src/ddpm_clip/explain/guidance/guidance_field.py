"""The guidance field: what the words change in the predicted picture, step by step.

delta_t = E[x_0 | x_t, c] - E[x_0 | x_t], the difference of the two branches (Ho & Salimans 2022,
eq. 6). Its size alone is no evidence, since random weights give such a curve as well. Test: the
weight used is the one requested, the field points to the requested class, and switching off its
strongest part costs more than switching off as much elsewhere.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.explain.guidance.class_directions import (
    ClassDirections,
    best_other,
    class_directions,
)
from ddpm_clip.explain.guidance.field import CASES, Field, FieldFindings, field_of
from ddpm_clip.explain.guidance.field_panels import caption_of, panels_of
from ddpm_clip.explain.guidance.masked_field import moved, strongest, switched_off
from ddpm_clip.explain.guidance.weight_used import WeightCheck, check_weights, steps_kept
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.batches import BATCH
from ddpm_clip.explain.target.recorder import Recorder
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.odds import log_odds
from ddpm_clip.explain.verdict.prerequisite import check_prerequisite
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import not_counted, weigh
from ddpm_clip.statistics.chance import at_least
from ddpm_clip.statistics.means import means
from ddpm_clip.types import Progress

SHARE = 0.2
"""Share of the pixels whose field is switched off in the test."""

BY_CHANCE = 0.025
"""Significance level of the sign test over pictures."""


def explain(
    target: AnalysisTarget, *, quick: bool = False, share: float = SHARE
) -> Generator[Progress, None, Explanation]:
    """Measure what the words change in the predicted picture, and whether that makes the class.

    Args:
        target: the model and the prompt.
        quick: take fewer seeds, steps and pictures.
        share: share of the pixels whose field is switched off in the test.
    """
    seeds = list(target.seeds)[: 8 if quick else BATCH]
    steps = target.steps_of(quick)
    c, count = target.conditions(seeds=seeds), len(target.timesteps(steps))
    recorder = Recorder(target, c, at=steps_kept(target, len(seeds), count), count=count)
    for done, _ in enumerate(recorder.listen(target.walk(c, seeds, steps=steps)), start=1):
        yield Progress("guidance field", done, count)
    recording = recorder.recording()
    field, weights, findings = field_of(recording), check_weights(target, recording), None
    if target.asked_class is not None and target.judging is not None:
        directions = yield from class_directions(target, *((160, 6) if quick else (320, 12)))
        walks = Walks(c, seeds, steps, recording.x_end.clamp(-1, 1))
        findings = yield from _findings(target, walks, field, directions, share)
    return Explanation(
        "guidance_field",
        "What the words change, step by step",
        caption_of(share),
        panels_of(target, recording, field, findings, share),
        _test(findings, weights, share),
        _verdict(findings, weights),
        _numbers(field, weights, findings, share),
    )


guidance_field = plainly(explain)


@dataclass(frozen=True, slots=True, eq=False)
class Walks:
    """Finished walks, to be repeated with a part of the field switched off.

    Attributes:
        c: (b, e) conditions.
        seeds: b random seeds.
        steps: number of sampling steps.
        x: (b, c, h, w) finished pictures.
    """

    c: Tensor
    seeds: list[int]
    steps: int
    x: Tensor


def _findings(
    target: AnalysisTarget, walks: Walks, field: Field, directions: ClassDirections, share: float
) -> Generator[Progress, None, FieldFindings]:
    asked_class = target.asked_class
    assert asked_class is not None
    odds = [log_odds(target.judge(walks.x), asked_class).cpu()]
    for mask in (strongest(share), moved(strongest(share))):
        wrap = switched_off(target, walks.c, walks.seeds, mask)
        x = yield from target.pictures(
            walks.c, walks.seeds, steps=walks.steps, wrap=wrap, stage="field switched off"
        )
        odds.append(log_odds(target.judge(x), asked_class).cpu())
    whole = directions.cosines(field.delta.sum(0))  # (b, k)
    margin = whole[:, asked_class] - best_other(whole, asked_class)
    cosines = torch.stack([directions.cosines(delta) for delta in field.delta])
    prerequisite = yield from check_prerequisite(target, target.judge(walks.x).cpu())
    return FieldFindings(
        prerequisite, cosines, means(margin), torch.stack(odds), means(odds[2] - odds[1])
    )


def _verdict(findings: FieldFindings | None, weights: WeightCheck) -> Verdict:
    if weights.wrong:
        return "fail"  # even if the prompt is not followed
    if findings is None or findings.margin.mean.isnan():
        return "inconclusive"
    # a sign test: pictures that lose their class lose so much that they dominate the mean
    more, less = findings.more, findings.less
    hurts = at_least(more, more + less) <= BY_CHANCE
    return weigh(
        findings.prerequisite,
        [findings.margin],
        refuted=at_least(less, more + less) <= BY_CHANCE,
        shown=hurts and weights.worst is not None,
    )


def _test(findings: FieldFindings | None, weights: WeightCheck, share: float) -> str:
    test = (
        "The guidance weight that is used has to be the one that was requested. The field, summed "
        "over the steps, has to point to the requested class rather than to any other. Switching "
        f"off its strongest {share:.0%} of pixels has to cost more log-odds than switching off as "
        "many elsewhere."
    )
    if weights.worst is not None:
        test += f" The weight differs by {weights.worst:.1g} at most."
    if findings is None:
        return f"{test} The rest is not tested: there is no judge for the requested class."
    return (
        f"{test} The cosine with the requested class is {findings.margin} above the best other "
        f"class. The strongest pixels cost {findings.hurt} more log-odds than others: more in "
        f"{findings.more} pictures, less in {findings.less}."
        f"{not_counted(findings.prerequisite)}"
    )


def _numbers(
    field: Field, weights: WeightCheck, findings: FieldFindings | None, share: float
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "n": field.delta.shape[1],
        "sigma_over_alpha": field.ratio,
        "weight": weights.as_dict(),
        "rms": field.rms.mean(1),
        "consecutive_cosine": field.turn.mean(1),
        "mean_frequency": field.waves,
        "share_switched_off": share,
    }
    if findings is not None:
        found |= {
            "gate": findings.prerequisite.as_dict(),
            "cosine_above_best_other": findings.margin.as_dict(),
            "log_odds_lost_more_than_elsewhere": findings.hurt.as_dict(),
            "pictures_that_lose_more": findings.more,
            "pictures_that_lose_less": findings.less,
            "log_odds": dict(zip(CASES, findings.odds.mean(1).tolist(), strict=True)),
        }
    return found
