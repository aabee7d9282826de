"""Guidance by the gradient of any differentiable loss on the predicted x_0.

A loss that was never trained on noisy pictures needs a clean one, so it gets the predicted x_0 and
never x_t (Bansal et al. 2023, eq. 6). Each step moves x_0 down the normalised gradient; the length
of the step is set by the strength, not by the size of the gradient (Yu et al. 2023, section 4).
Knows nothing of CLIP or prompts: any function of pictures will do.
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
"""x_0 (b, c, h, w) in [-1, 1] -> losses (b,), lower is better."""

SPREAD = 0.5
"""Standard deviation of pixel values assumed by `open_spread`."""


@dataclass(frozen=True, slots=True)
class GradientGuidance:
    """Settings of gradient guidance.

    Attributes:
        strength: length of a step, in posterior standard deviations of a pixel at this noise
            level (`open_spread`); 0 turns gradient guidance off.
        interval: (low, high] of sigma/alpha in which it acts.
        travel: how often each step of the interval is repeated from fresh noise ("time travel"),
            so that the network can correct what the gradient did.
        clamp: a name in `CLAMPS`, applied to x_0 after each step.
    """

    strength: float = 0.0
    interval: tuple[float, float] = (0.1, 20.0)
    travel: int = 0
    clamp: str = "static"

    def __post_init__(self) -> None:
        if self.strength < 0 or self.travel < 0:
            raise UsageError("strength and travel must not be negative")

    def pulls_at(self, ratio: float) -> bool:
        """Return whether guidance acts at the noise level sigma/alpha = `ratio`."""
        return self.strength > 0 and self.interval[0] < ratio <= self.interval[1]


def gradient_guided(
    predict: Predict, schedule: NoiseSchedule, score: Score, guidance: GradientGuidance
) -> Predict:
    """Wrap `predict` so that its x_0 moves down the gradient of `score` inside the interval.

    Strength 0 returns `predict` itself, so results are bit-identical.
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
    """Return the gradient of each picture's loss (b, c, h, w), of unit length; 0 if it vanishes."""
    with torch.enable_grad():
        x = x_0.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(score(x).sum(), x)
    length = gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    unit: Tensor = gradient / length.clamp(min=1e-12)
    return unit


def open_spread(ratio: float, spread: float = SPREAD) -> float:
    """Return the posterior standard deviation of a pixel of x_0 given x_t.

    Assumes Gaussian pixels with standard deviation `spread`, at sigma/alpha = `ratio`.

    >>> round(open_spread(0.5), 4), round(open_spread(1e6), 4)
    (0.3536, 0.5)
    """
    return ratio * spread / math.hypot(ratio, spread)


def resampled(walker: Walker, guidance: GradientGuidance) -> Walker:
    """Wrap a sampler so that it repeats each step of the interval `travel` times.

    After the step from t to s, x_s is noised back to t and the step is repeated (Lugmayr et al.
    2022, algorithm 1). Only the last repetition is yielded: still one `Step` per timestep. Inside
    the interval a multistep solver restarts at each step, without memory of earlier ones.
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
        # The last step ends in a clean picture and is not repeated.
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
    """Noise x_s from timestep s up to t: a sample of q(x_t | x_s) of the forward process."""
    (alpha_s, sigma_s), (alpha_t, sigma_t) = schedule.at(s), schedule.at(t)
    kept = alpha_t / alpha_s
    return kept * x_s + math.sqrt(max(sigma_t**2 - (kept * sigma_s) ** 2, 0.0)) * noise
