"""U-turns: finished pictures are noised to a level and denoised again without words.

How often the same class comes back shows how much of it the noisy picture still holds (Sclocchi et
al. 2025, forward-backward experiments). The way back adds fresh noise at each step, so that it
samples from p(x_0 | x_t) instead of following one deterministic path.
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
"""A sampler that adds noise at each step."""


@dataclass(frozen=True, slots=True, eq=False)
class UTurns:
    """U-turns of n pictures, r of each at each of k levels.

    Attributes:
        ratio: (k,) sigma/alpha of the levels, rising.
        began: (n,) the class of each picture.
        predicted: (n, k, r) the probability of that class in x_0-hat at the turn.
        ended: (n, k, r) the class of the picture at the end.
    """

    ratio: Tensor
    began: Tensor
    predicted: Tensor
    ended: Tensor

    @property
    def back(self) -> Tensor:
        """(n, k) the share of U-turns that end in the class in which they began."""
        return (self.ended == self.began[:, None, None]).double().mean(2)

    def roc_area(self, draws: int = 400, seed: int = 0) -> "RocArea":
        """Return how well x_0-hat predicts which U-turns of the same level come back.

        Args:
            draws: number of resamples for the interval.
            seed: random seed of the resampling.
        """
        same = self.ended == self.began[:, None, None]
        right, pairs = (torch.zeros(len(same), len(same), dtype=torch.float64) for _ in range(2))
        for level in range(len(self.ratio)):
            probs, back = self.predicted[:, level].double(), same[:, level].double()  # (n, r)
            above = torch.sign(probs[:, None, :, None] - probs[None, :, None, :]) / 2 + 0.5
            both = back[:, None, :, None] * (1 - back)[None, :, None, :]  # one back, the other not
            right += (above * both).sum((2, 3))
            pairs += both.sum((2, 3))
        return _drawn(right, pairs, draws, torch.Generator().manual_seed(seed))


@dataclass(frozen=True, slots=True)
class RocArea:
    """Area under the ROC curve of x_0-hat as a predictor of U-turns.

    It is the share of pairs of U-turns of the same level, one of which comes back, in which x_0-hat
    is surer of the class in the one that does.

    Attributes:
        share: the area; 0.5 is no better than chance, NaN if there are no pairs.
        low, high: bounds of the 95 % interval, by resampling whole pictures.
        pairs: number of pairs of U-turns.
    """

    share: float
    low: float
    high: float
    pairs: int

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"share": self.share, "low": self.low, "high": self.high, "pairs": self.pairs}


def _drawn(right: Tensor, pairs: Tensor, draws: int, generator: torch.Generator) -> RocArea:
    """Return the share of right pairs (n, n), with an interval from resampling pictures."""
    n, total = len(pairs), float(pairs.sum())
    if total == 0:
        return RocArea(math.nan, 0.0, 1.0, 0)
    again = torch.randint(n, (draws, n), generator=generator)
    weight = F.one_hot(again, n).double().sum(1)  # (draws, n) how often each picture is in
    shares = ((weight @ right) * weight).sum(1) / ((weight @ pairs) * weight).sum(1)
    shares = shares.nan_to_num(0.5).sort().values  # a resample without pairs counts as chance
    low, high = shares[math.floor(0.025 * (draws - 1))], shares[math.ceil(0.975 * (draws - 1))]
    return RocArea(float(right.sum()) / total, float(low), float(high), int(total))


def u_turns(
    target: AnalysisTarget,
    x: Tensor,
    places: Sequence[int],
    timesteps: Sequence[float],
    repeats: int,
    stage: str = "U-turns",
    fresh: int = 0,
) -> Generator[Progress, None, UTurns]:
    """Take U-turns of every picture at every level; yield `Progress` per level.

    Args:
        target: a target with a judge.
        x: (n, c, h, w) finished pictures.
        places: rising positions in `timesteps` at which to turn.
        timesteps: timesteps of a walk from noise down; the way back visits those below the turn.
        repeats: number of U-turns per picture and level.
        stage: name of the stage in the progress.
        fresh: number of further seeds to skip, because other U-turns used them.
    """
    n = len(x)
    # not the seeds that painted these pictures, whose noise led to these very pictures
    seeds = target.more_seeds(n * repeats, start=len(target.seeds) + fresh)
    noise = noise_of(seeds, (n * repeats, *x.shape[1:]), x.device)(0)
    start, c = x.repeat_interleave(repeats, 0), target.conditions(seeds=seeds)
    began = target.judge(x).argmax(1).cpu()
    predicted, ended = [], []
    for done, place in enumerate(sorted(places, reverse=True), start=1):
        alpha, sigma = target.schedule.at(timesteps[place])
        x_t = alpha * start + sigma * noise
        x_0: list[Tensor] = []
        back = finish(
            target.pictures(
                c,
                seeds,
                scale=0.0,
                x_start=x_t,
                timesteps=list(timesteps[place:]),
                sampler=SAMPLER,
                wrap=_recording(timesteps[place], x_0),
            )
        )
        first = target.judge(torch.cat(x_0)).cpu()
        predicted.append(first.gather(1, began.repeat_interleave(repeats)[:, None])[:, 0])
        ended.append(target.judge(back).argmax(1).cpu())
        yield Progress(stage, done, len(places))
    levels = [target.ratio(timesteps[place]) for place in sorted(places, reverse=True)]
    return UTurns(
        torch.tensor(levels, dtype=torch.float64),
        began,
        torch.stack(predicted, 1).unflatten(0, (n, repeats)).transpose(1, 2),
        torch.stack(ended, 1).unflatten(0, (n, repeats)).transpose(1, 2),
    )


def _recording(timestep: float, x_0: list[Tensor]) -> Wrap:
    """Return a wrap that appends x_0-hat at a timestep to a list and changes nothing."""

    def wrap(predict: Predict) -> Predict:
        def recording(x_t: Tensor, t: float) -> Prediction:
            pred = predict(x_t, t)
            if t == timestep:
                x_0.append(pred.x_0)
            return pred

        return recording

    return wrap
