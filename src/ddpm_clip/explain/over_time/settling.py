"""How a walk settles: distances along it, and whether what it foresees may be believed.

The error of x_0-hat to the finished picture falls along any walk, even that of a random network,
because the last step *is* x_0-hat. What a denoiser has to show is that it foresees without bias:
where x_0-hat = E[x_0 | x_t], the error is orthogonal to it, E<x_0 - x_0-hat, x_0-hat> = 0, so that
pictures regressed on what was foreseen have slope 1 at every noise level. Knows nothing of prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.recorder import Recording
from ddpm_clip.models.ddpm import noise_of
from ddpm_clip.statistics.means import Means, means

TOLERANCE = 0.1
"""How far a slope may be from 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Pictures regressed on what was foreseen of them, a noise level each.

    Attributes:
        ratio: (s,) sigma/alpha.
        slope: (s,) 1 where nothing is foreseen too boldly (below 1) or too timidly (above 1).
        error: (s,) standard errors, by leaving out one picture at a time.
    """

    ratio: tuple[float, ...]
    slope: Tensor
    error: Tensor

    @property
    def worst(self) -> float:
        """The greatest distance from 1."""
        return float((self.slope - 1).abs().max())

    @property
    def surely(self) -> float:
        """How far from 1 some slope surely is, with 95 % of all draws."""
        return float(((self.slope - 1).abs() - 1.96 * self.error).max())


def errors_to_end(recording: Recording) -> Tensor:
    """(s, b) rms of x_0-hat minus the finished picture."""
    return (recording.x_0 - recording.x_end).square().mean((2, 3, 4)).sqrt()


def changes(recording: Recording) -> Tensor:
    """(s - 1, b) rms of what a step changes of x_0-hat."""
    return recording.x_0.diff(dim=0).square().mean((2, 3, 4)).sqrt()


def halved_at(ratios: Sequence[float], errors: Tensor) -> Means:
    """log10 of the sigma/alpha after which the error stays below half of its first value.

    Args:
        ratios: (s,) falling.
        errors: (s, b).
    """
    above = errors >= errors[0] / 2
    last = len(errors) - 1 - above.flip(0).int().argmax(0)  # the last row above, each picture
    after = (last + 1).clamp(max=len(errors) - 1)
    return means(torch.tensor(list(ratios), dtype=torch.float64).log10()[after])


def slopes(
    target: AnalysisTarget, x: Tensor, c: Tensor, rows: Sequence[float], seeds: Sequence[int]
) -> Slopes:
    """Noise finished pictures anew at each row, ask what they were, and compare.

    Args:
        target: that painted them, at scale 1.
        x: (n, c, h, w).
        c: (n, e) the conditions that they were painted from.
        rows: noise levels.
        seeds: n, that painted them; each has noise of its own, none of which was in its walk.
    """
    fresh = noise_of(seeds, x.shape, x.device)
    fresh(-1)  # the first draw of a seed painted its picture
    ask = target.predict(c, scale=1.0, clamp="none")
    found, wrong, ratios = [], [], []
    for t in rows:
        alpha, sigma = target.schedule.at(t)
        foreseen = ask(alpha * x + sigma * fresh(0), t).x_0.double()
        up = (x.double() * foreseen).flatten(1).sum(1)
        down = foreseen.square().flatten(1).sum(1).clamp(min=1e-12)
        found.append(up.sum() / down.sum())
        without = (up.sum() - up) / (down.sum() - down).clamp(min=1e-12)
        n = len(x)
        wrong.append(((n - 1) / n * (without - without.mean()).square().sum()).sqrt())
        ratios.append(target.ratio(t))
    return Slopes(tuple(ratios), torch.stack(found).cpu(), torch.stack(wrong).cpu())
