"""Guidance by the gradient of any differentiable loss of the picture that is emerging.

A loss that was never trained on noise can only be asked about pictures, so it sees the predicted
x_0 and never x_t (Bansal et al. 2023, eq. 6). Each step moves x_0 down the loss by a step whose
length says how far the loss may pull, whatever the size of its gradient (Yu et al. 2023,
section 4). Knows nothing of CLIP, prompts or networks: a loss, and what samplers call.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.diffusion.guidance import CLAMPS
from ddpm_clip.diffusion.samplers import Walker
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.errors import UsageError
from ddpm_clip.types import Noise, Predict, Prediction, Step

Score = Callable[[Tensor], Tensor]
"""x_0 (b, c, h, w) in [-1, 1] -> (b,) losses, lower where the picture fits better."""

SPREAD = 0.5
"""Standard deviation of pictures, where a step is measured in what is still open about them."""


@dataclass(frozen=True, slots=True)
class GradientGuidance:
    """How far, where and how often the gradient pulls.

    Attributes:
        strength: length of a step, in standard deviations of what the noise still leaves open
            about each pixel; 0 is off.
        interval: (low, high] of sigma/alpha in which it pulls.
        travel: how often each step of the interval is walked again from fresh noise, so that
            the network can agree or disagree with what the gradient did.
        clamp: a name in `CLAMPS`, applied to x_0 after each step.
    """

    strength: float = 0.0
    interval: tuple[float, float] = (0.1, 20.0)
    travel: int = 0
    clamp: str = "static"

    def __post_init__(self) -> None:
        if self.strength < 0 or self.travel < 0:
            raise UsageError("neither strength nor travel may be negative")

    def pulls_at(self, ratio: float) -> bool:
        """Does it act where sigma/alpha = `ratio`?"""
        return self.strength > 0 and self.interval[0] < ratio <= self.interval[1]


def gradient_guided(
    predict: Predict, schedule: NoiseSchedule, score: Score, guidance: GradientGuidance
) -> Predict:
    """Wrap `predict` so that inside the interval its x_0 is moved down the gradient of `score`.

    Strength 0 gives back `predict` itself, so that nothing changes, to the bit.
    """
    if guidance.strength == 0:
        return predict
    clamp = CLAMPS[guidance.clamp]

    def predict_steered(x_t: Tensor, t: float) -> Prediction:
        pred = predict(x_t, t)
        alpha, sigma = schedule.at(t)
        ratio = sigma / max(alpha, 1e-12)
        if not guidance.pulls_at(ratio):
            return pred
        step = guidance.strength * open_spread(ratio) * pred.x_0[0].numel() ** 0.5
        x_0 = clamp(pred.x_0 - step * direction(score, pred.x_0))
        eps = (x_t - alpha * x_0) / sigma  # so that x_t = alpha x_0 + sigma eps still holds
        return Prediction(eps, x_0, pred.x_0_cond, pred.x_0_uncond)

    return predict_steered


def direction(score: Score, x_0: Tensor) -> Tensor:
    """(b, c, h, w) the gradient of each picture's loss, of length 1; 0 where there is none."""
    with torch.enable_grad():
        x = x_0.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(score(x).sum(), x)
    length = gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    unit: Tensor = gradient / length.clamp(min=1e-12)
    return unit


def open_spread(ratio: float, spread: float = SPREAD) -> float:
    """Standard deviation of a pixel of x_0 given x_t, were pixels Gaussian with this spread.

    >>> round(open_spread(0.5), 4), round(open_spread(1e6), 4)  # as likely one as the other; all
    (0.3536, 0.5)
    """
    return ratio * spread / math.hypot(ratio, spread)


def resampled(walker: Walker, guidance: GradientGuidance) -> Walker:
    """A sampler that walks each step of the interval `travel` times more, from fresh noise.

    After the step from t to s, x_s is noised to t again and the step repeated (Lugmayr et al.
    2022, algorithm 1). Only the last time is yielded, so that there are as many steps as timesteps.
    Inside the interval a solver starts anew on each step, without the memory of earlier ones.
    """
    if guidance.travel == 0 or guidance.strength == 0:
        return walker

    def walk(
        predict: Predict,
        schedule: NoiseSchedule,
        timesteps: Sequence[float],
        x: Tensor,
        noise: Noise,
        **options: Any,
    ) -> Iterator[Step]:
        def down(i: int, x: Tensor) -> Iterator[Step]:
            return walker(predict, schedule, timesteps[i:], x, noise, **options)

        ratios = [sigma / max(alpha, 1e-12) for alpha, sigma in map(schedule.at, timesteps)]
        # The last step ends in a clean picture, from which there is no way back.
        again = [guidance.pulls_at(ratio) for ratio in ratios[:-1]] + [False]
        walking = down(0, x)
        for i in range(len(timesteps)):
            for _ in range(guidance.travel * again[i]):
                x_s = next(down(i, x)).x_prev
                x = noised_again(x_s, schedule, timesteps[i + 1], timesteps[i], noise(i))
            if again[i] or again[i - 1]:
                walking = down(i, x)
            step = next(walking)
            yield Step(i, step.t, step.x_t, step.pred, step.x_prev)
            x = step.x_prev

    return walk


def noised_again(x_s: Tensor, schedule: NoiseSchedule, s: float, t: float, noise: Tensor) -> Tensor:
    """From timestep s up to the noisier timestep t: q(x_t | x_s) of the forward process."""
    (alpha_s, sigma_s), (alpha_t, sigma_t) = schedule.at(s), schedule.at(t)
    kept = alpha_t / alpha_s
    return kept * x_s + math.sqrt(max(sigma_t**2 - (kept * sigma_s) ** 2, 0.0)) * noise
