"""Interpolate between two prompts or two noises, and judge the pictures on the way.

Conditions and noises move along great arcs, as in `editing`.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.editing.arcs import between, slerp
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.odds import Followed, log_odds
from ddpm_clip.models.ddpm import noise_of
from ddpm_clip.types import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Interpolation:
    """n interpolations of f frames each.

    Attributes:
        shares: (f,) positions along the way, from 0 to 1.
        x: (n, f, c, h, w) the pictures.
        probs: (n, f, k) class probabilities; (n, f, 0) without a judge.
    """

    shares: list[float]
    x: Tensor
    probs: Tensor

    def seen(self, k: int) -> Tensor:
        """Return (n, f) bool, whether class k is the likeliest."""
        return self.probs.argmax(2) == k

    def odds(self, a: int, b: int) -> Tensor:
        """Return (n, f) the log-odds of class b minus those of class a."""
        flat = self.probs.flatten(0, 1)
        return (log_odds(flat, b) - log_odds(flat, a)).view(self.probs.shape[:2])

    def crossings(self, a: int, b: int) -> Tensor:
        """Return (n,) how often the likelier one of a and b changes."""
        return (self.odds(a, b) > 0).long().diff(dim=1).abs().sum(1)

    def crossed_at(self, a: int, b: int) -> Tensor:
        """Return (n,) the share of the way at the first change, or NaN if there is none.

        Between two frames it is interpolated in the log-odds.
        """
        odds, at = self.odds(a, b), torch.tensor(self.shares, dtype=torch.float64)
        found = torch.full((len(odds),), torch.nan, dtype=torch.float64)
        for i, row in enumerate(odds):
            changes = ((row[1:] > 0) != (row[:-1] > 0)).nonzero()
            if len(changes):
                j = int(changes[0])
                found[i] = torch.lerp(at[j], at[j + 1], row[j] / (row[j] - row[j + 1]))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Crossing:
    """Interpolations from the target's prompt to a prompt for another class.

    Attributes:
        way: the pictures and their class probabilities.
        a, b: the classes requested at the two ends.
    """

    way: Interpolation
    a: int
    b: int

    @property
    def ends(self) -> tuple[Followed, Followed]:
        """How many pictures show the requested class at either end."""
        first, last = self.way.probs[:, 0], self.way.probs[:, -1]
        return Followed.of(first, self.a), Followed.of(last, self.b)

    @property
    def once(self) -> Tensor:
        """(n,) bool, whether the likelier of the two classes changes exactly once."""
        return self.way.crossings(self.a, self.b) == 1


def between_prompts(
    target: AnalysisTarget, other: str, frames: int, seeds: Sequence[int], steps: int
) -> Generator[Progress, None, Interpolation]:
    """Interpolate from the target's prompt to another one with the same noise, for each seed."""
    ends = target.conditions(seeds=seeds), target.conditions(other, seeds)
    dim = ends[0].shape[1] if target.conditioner is None else target.conditioner.dim
    shares = _shares(frames)
    c = torch.stack(
        [between(a, b, share, dim) for a, b in zip(*ends, strict=True) for share in shares]
    )
    every = [seed for seed in seeds for _ in shares]
    x = yield from target.pictures(c, every, steps=steps, stage="inversion: between prompts")
    return _read(target, x, shares)


def between_noises(
    target: AnalysisTarget,
    pairs: Sequence[tuple[int, int]],
    frames: int,
    steps: int,
    straight: bool = False,
) -> Generator[Progress, None, Interpolation]:
    """Interpolate from the noise of one seed to that of another with the same prompt.

    Args:
        target: the target, whose prompt is used.
        pairs: pairs of seeds; the condition is that of the first.
        frames: number of frames, both ends included.
        steps: number of sampling steps.
        straight: follow the straight line, whose middle is shorter than noise is, not the arc.
    """
    shares = _shares(frames)
    x_T = torch.cat([noises(target, pair, shares, straight) for pair in pairs])
    every = [pair[0] for pair in pairs for _ in shares]
    x = yield from target.pictures(
        target.conditions(seeds=every),
        every,
        steps=steps,
        x_start=x_T,
        sampler="ddim",
        stage="inversion: between noises",
    )
    return _read(target, x, shares)


def noises(
    target: AnalysisTarget, pair: tuple[int, int], shares: Sequence[float], straight: bool
) -> Tensor:
    """Return (f, c, h, w) the noises on the way from one seed's initial noise to another's."""
    a, b = noise_of(list(pair), (2, *target.image_shape), target.ddpm.device)(-1)
    flat = [
        torch.lerp(a, b, share).flatten() if straight else slerp(a.flatten(), b.flatten(), share)
        for share in shares
    ]
    return torch.stack(flat).view(-1, *a.shape)


def _shares(frames: int) -> list[float]:
    return [i / (frames - 1) for i in range(frames)]


def _read(target: AnalysisTarget, x: Tensor, shares: list[float]) -> Interpolation:
    probs = torch.zeros(len(x), 0) if target.judging is None else target.judge(x).cpu()
    shape = (len(x) // len(shares), len(shares))
    return Interpolation(
        shares, x.cpu().view(*shape, *x.shape[1:]), probs.view(*shape, probs.shape[1])
    )
