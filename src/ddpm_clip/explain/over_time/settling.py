"""How far x_0-hat is from the finished picture along a walk, and whether it is unbiased.

The distance from x_0-hat to the finished picture falls along any walk, even with random weights,
because the last step *is* x_0-hat. What a denoiser has to show is that its prediction is unbiased.
If x_0-hat = E[x_0 | x_t], the error is orthogonal to it, E<x_0 - x_0-hat, x_0-hat> = 0, so the
regression of pictures on their predictions has slope 1 at every noise level.
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
"""Largest difference of a slope from 1 that is allowed."""


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Slopes of the regression of pictures on their predictions, one per noise level.

    Attributes:
        ratio: (s,) sigma/alpha.
        slope: (s,) slopes: 1 if unbiased, below 1 if predictions are too strong, above 1 if they
            are too weak.
        error: (s,) standard errors by the jackknife over pictures.
    """

    ratio: tuple[float, ...]
    slope: Tensor
    error: Tensor

    @property
    def worst(self) -> float:
        """The largest difference from 1."""
        return float((self.slope - 1).abs().max())

    @property
    def surely(self) -> float:
        """The difference from 1 that some slope surely has, by its 95 % interval."""
        return float(((self.slope - 1).abs() - 1.96 * self.error).max())


def errors_to_end(recording: Recording) -> Tensor:
    """Return (s, b) the rms distance of x_0-hat from the finished picture."""
    return (recording.x_0 - recording.x_end).square().mean((2, 3, 4)).sqrt()


def changes(recording: Recording) -> Tensor:
    """Return (s - 1, b) the rms change of x_0-hat from step to step."""
    return recording.x_0.diff(dim=0).square().mean((2, 3, 4)).sqrt()


def halved_at(ratios: Sequence[float], errors: Tensor) -> Means:
    """Return log10 of the sigma/alpha after which the error stays below half of its first value.

    Args:
        ratios: (s,) sigma/alpha, falling.
        errors: (s, b) errors of each picture.
    """
    above = errors >= errors[0] / 2
    last = len(errors) - 1 - above.flip(0).int().argmax(0)  # the last step above, per picture
    after = (last + 1).clamp(max=len(errors) - 1)
    return means(torch.tensor(list(ratios), dtype=torch.float64).log10()[after])


def slopes(
    target: AnalysisTarget, x: Tensor, c: Tensor, timesteps: Sequence[float], seeds: Sequence[int]
) -> Slopes:
    """Noise finished pictures again at each timestep, predict them, and regress.

    Args:
        target: the target that painted them, at scale 1.
        x: (n, c, h, w) finished pictures.
        c: (n, e) the conditions that they were painted from.
        timesteps: timesteps of the noise levels.
        seeds: n seeds that painted them; the noise added here is other noise of the same seeds.
    """
    fresh = noise_of(seeds, x.shape, x.device)
    fresh(-1)  # the first draw of a seed painted its picture
    predict = target.predict(c, scale=1.0, clamp="none")
    found, wrong, ratios = [], [], []
    for t in timesteps:
        alpha, sigma = target.schedule.at(t)
        x_0 = predict(alpha * x + sigma * fresh(0), t).x_0.double()
        up = (x.double() * x_0).flatten(1).sum(1)
        down = x_0.square().flatten(1).sum(1).clamp(min=1e-12)
        found.append(up.sum() / down.sum())
        without = (up.sum() - up) / (down.sum() - down).clamp(min=1e-12)
        n = len(x)
        wrong.append(((n - 1) / n * (without - without.mean()).square().sum()).sqrt())
        ratios.append(target.ratio(t))
    return Slopes(tuple(ratios), torch.stack(found).cpu(), torch.stack(wrong).cpu())
