"""Paint with other training pictures in the condition than the nearest ones."""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.explain.inversions.other_prompt import other_prompt
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.training_data.steering import (
    Answer,
    Steering,
    conditions_with,
    instead,
    random_rows,
    steering,
    unchanged,
    without,
)
from ddpm_clip.explain.verdict.odds import log_odds
from ddpm_clip.statistics.means import Means, means
from ddpm_clip.types import Progress

NEXT, ANY, OTHERS = "the next nearest", "any pictures", "those of another prompt"
"""What replaces the neighbours; also keys in `report.json`."""

LABELS = {"": "unchanged", ANY: "random pictures"}
"""How these are shown in panels, if otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Replaced:
    """Pictures of n seeds with the neighbours unchanged and replaced.

    Attributes:
        x: (n, c, h, w) pictures by replacement; "" stands for the unchanged ones.
        moved: (n,) rms distance per pixel from the unchanged picture, by replacement.
        odds: (n,) log-odds of the requested class, by replacement; {} without a judge or a
            requested class.
        other: the prompt whose neighbours are used for `OTHERS`; "" if there is none.
    """

    x: dict[str, Tensor]
    moved: dict[str, Tensor]
    odds: dict[str, Tensor]
    other: str

    @property
    def matter(self) -> Means | None:
        """How much further another prompt's neighbours move a picture than the next nearest."""
        return means(self.moved[OTHERS] - self.moved[NEXT]) if OTHERS in self.moved else None

    @property
    def decide(self) -> Means | None:
        """Log-odds of the requested class lost with the neighbours of another prompt."""
        return means(self.odds[""] - self.odds[OTHERS]) if OTHERS in self.odds else None


def replace_all(
    target: AnalysisTarget, found: Steering, seeds: list[int], steps: int
) -> Generator[Progress, None, Replaced]:
    """Paint with the neighbours unchanged, and with others in their place."""
    assert target.conditioner is not None
    other = other_prompt(target)
    theirs = None if other is None else steering(target, other.prompt)
    some = random_rows(len(target.conditioner.bank), found.k, max(seeds), found.rows)
    answers: dict[str, Answer] = {"": unchanged, NEXT: instead(found.next_rows), ANY: instead(some)}
    if theirs is not None:
        answers[OTHERS] = instead(theirs.rows)
    x = {}
    for name, answer in answers.items():
        c = conditions_with(target, answer, seeds)
        x[name] = yield from painted(target, c, seeds, steps)
    odds = {}
    if target.judging is not None and target.asked_class is not None:
        odds = {
            name: log_odds(target.judge(one), target.asked_class).cpu() for name, one in x.items()
        }
    moved = {name: _rms(x[name] - x[""]) for name in answers if name}
    return Replaced(x, moved, odds, "" if other is None else other.prompt)


def leave_out(
    target: AnalysisTarget,
    found: Steering,
    replaced: Replaced,
    n: int,
    seeds: list[int],
    steps: int,
) -> Generator[Progress, None, Tensor]:
    """Return (n, k) how far n pictures move (rms per pixel) without each of the k neighbours."""
    few, moved = seeds[:n], []
    for row in found.rows.tolist():
        c = conditions_with(target, without(row), few)
        x = yield from painted(target, c, few, steps)
        moved.append(_rms(x - replaced.x[""][: len(few)]))
    return torch.stack(moved, 1)


def painted(
    target: AnalysisTarget, c: Tensor, seeds: list[int], steps: int
) -> Generator[Progress, None, Tensor]:
    """Paint the pictures (n, c, h, w) of conditions."""
    return (yield from target.pictures(c, seeds, steps=steps, stage="provenance"))


def _rms(x: Tensor) -> Tensor:
    """Return (b,) the root mean square of each picture."""
    return x.flatten(1).square().mean(1).sqrt().cpu()
