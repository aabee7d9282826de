"""U-turns: finished pictures are noised to a level and denoised again without any words.

What class comes back says how much of it the noised picture still held (Sclocchi et al. 2025,
forward-backward experiments). The way back draws fresh noise at each step, so that it draws from
p(x_0 | x_t) instead of following the one deterministic path. Knows nothing of what is decided.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.readers import Wrap
from ddpm_clip.models.ddpm import noise_of
from ddpm_clip.types import Predict, Prediction, Progress
from ddpm_clip.utils.generators import finish

SAMPLER = "dpmpp_2m_sde"


@dataclass(frozen=True, slots=True, eq=False)
class UTurns:
    """n pictures, turned r times at each of k levels.

    Attributes:
        ratio: (k,) sigma/alpha of the levels, rising.
        began: (n,) the class of each picture.
        foretold: (n, k, r) the probability of that class in x_0-hat where the way back begins.
        ended: (n, k, r) the class in which it ends.
    """

    ratio: Tensor
    began: Tensor
    foretold: Tensor
    ended: Tensor

    @property
    def back(self) -> Tensor:
        """(n, k) the share of turns that end in the class in which they began."""
        return (self.ended == self.began[:, None, None]).double().mean(2)

    def foresight(self, draws: int = 400, seed: int = 0) -> "Foresight":
        """Is x_0-hat surer of the class at those turns of a level that do come back?"""
        same = self.ended == self.began[:, None, None]
        right, pairs = (torch.zeros(len(same), len(same), dtype=torch.float64) for _ in range(2))
        for level in range(len(self.ratio)):
            told, came = self.foretold[:, level].double(), same[:, level].double()  # (n, r)
            above = torch.sign(told[:, None, :, None] - told[None, :, None, :]) / 2 + 0.5
            both = came[:, None, :, None] * (1 - came)[None, :, None, :]  # back there, not here
            right += (above * both).sum((2, 3))
            pairs += both.sum((2, 3))
        return _drawn(right, pairs, draws, torch.Generator().manual_seed(seed))


@dataclass(frozen=True, slots=True)
class Foresight:
    """How often, of two turns of one level, the one that comes back was foretold surer.

    Attributes:
        share: 0.5 is no foresight (the area under the ROC curve); nan where there are no pairs.
        low, high: of 95 % of the draws, in which whole pictures are drawn again.
        pairs: of turns.
    """

    share: float
    low: float
    high: float
    pairs: int

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"share": self.share, "low": self.low, "high": self.high, "pairs": self.pairs}


def _drawn(right: Tensor, pairs: Tensor, draws: int, generator: torch.Generator) -> Foresight:
    """The share of right pairs (n, n) and its spread over draws of pictures."""
    n, total = len(pairs), float(pairs.sum())
    if total == 0:
        return Foresight(math.nan, 0.0, 1.0, 0)
    again = torch.randint(n, (draws, n), generator=generator)
    weight = F.one_hot(again, n).double().sum(1)  # (draws, n) how often each picture is in
    shares = ((weight @ right) * weight).sum(1) / ((weight @ pairs) * weight).sum(1)
    shares = shares.nan_to_num(0.5).sort().values  # a draw without pairs says nothing
    low, high = shares[math.floor(0.025 * (draws - 1))], shares[math.ceil(0.975 * (draws - 1))]
    return Foresight(float(right.sum()) / total, float(low), float(high), int(total))


def u_turns(
    target: AnalysisTarget,
    x: Tensor,
    places: Sequence[int],
    rows: Sequence[float],
    repeats: int,
    stage: str = "U-turns",
    fresh: int = 0,
) -> Generator[Progress, None, UTurns]:
    """Turn every picture at every level; yields `Progress` in levels.

    Args:
        target: with a judge.
        x: (n, c, h, w) finished pictures.
        places: rising numbers into `rows`: where to turn.
        rows: of a walk from noise down; the way back visits those below the turn.
        repeats: turns of a picture at a level.
        stage: of the progress.
        fresh: seeds to leave out, that other turns had.
    """
    n = len(x)
    # seeds that painted these pictures would turn them along their own noise
    seeds = target.more_seeds(n * repeats, start=len(target.seeds) + fresh)
    noise = noise_of(seeds, (n * repeats, *x.shape[1:]), x.device)(0)
    start, c = x.repeat_interleave(repeats, 0), target.conditions(seeds=seeds)
    began = target.judge(x).argmax(1).cpu()
    told, came = [], []
    for done, place in enumerate(sorted(places, reverse=True), start=1):
        alpha, sigma = target.schedule.at(rows[place])
        x_t = alpha * start + sigma * noise
        foreseen: list[Tensor] = []
        back = finish(
            target.pictures(
                c,
                seeds,
                scale=0.0,
                x_start=x_t,
                timesteps=list(rows[place:]),
                sampler=SAMPLER,
                wrap=_heard_at(rows[place], foreseen),
            )
        )
        first = target.judge(torch.cat(foreseen)).cpu()
        told.append(first.gather(1, began.repeat_interleave(repeats)[:, None])[:, 0])
        came.append(target.judge(back).argmax(1).cpu())
        yield Progress(stage, done, len(places))
    levels = [target.ratio(rows[place]) for place in sorted(places, reverse=True)]
    return UTurns(
        torch.tensor(levels, dtype=torch.float64),
        began,
        torch.stack(told, 1).unflatten(0, (n, repeats)).transpose(1, 2),
        torch.stack(came, 1).unflatten(0, (n, repeats)).transpose(1, 2),
    )


def _heard_at(row: float, heard: list[Tensor]) -> Wrap:
    """A wrap that keeps x_0-hat of a row, batch after batch, and changes nothing."""

    def wrap(predict: Predict) -> Predict:
        def listening(x_t: Tensor, t: float) -> Prediction:
            pred = predict(x_t, t)
            if t == row:
                heard.append(pred.x_0)
            return pred

        return listening

    return wrap
