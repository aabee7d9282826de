"""The guidance field: what the words change of the picture that is foreseen, step by step.

delta_t = E[x_0 | x_t, c] - E[x_0 | x_t], the difference of the two branches (Ho & Salimans 2022,
eq. 6). Its size alone is no evidence, since any condition makes one; it has to point to the class
that was asked for, and taking out its strongest part has to hurt more than taking out as much
elsewhere. Knows nothing of how its panels are drawn.
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
"""Of the pixels, whose field is switched off in the test."""

BY_CHANCE = 0.025
"""How likely as many pictures that lose more may be by lot."""


def explain(
    target: AnalysisTarget, *, quick: bool = False, share: float = SHARE
) -> Generator[Progress, None, Explanation]:
    """What the words change of the foreseen picture, step by step, and whether it is what counts.

    Args:
        target: a model with a prompt, or anything that walks like one.
        quick: fewer seeds, steps and pictures.
        share: of the pixels whose field is switched off in the test.
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
    """Walks that were taken, to be taken again with a part of the field off."""

    c: Tensor
    seeds: list[int]
    steps: int
    x: Tensor  # (b, c, h, w) where they ended


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
        return "fail"  # whatever the prompt
    if findings is None or findings.margin.mean.isnan():
        return "inconclusive"
    # a sign test: a picture that loses its class loses so much that means say little
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
        f"It would fail if another guidance weight were used than asked for, if the field pointed "
        f"to another class than the one asked for, or if switching off its strongest "
        f"{share:.0%} of pixels hurt no more than switching off as many elsewhere."
    )
    if weights.worst is not None:
        test += f" Largest deviation of the weight: {weights.worst:.1g}."
    if findings is None:
        return f"{test} Nobody reads these pictures for the class that was asked for."
    return (
        f"{test} Cosine with its direction above the best other: {findings.margin}; "
        f"log-odds lost more than elsewhere: {findings.hurt}, more in "
        f"{findings.more} pictures and less in {findings.less}."
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
