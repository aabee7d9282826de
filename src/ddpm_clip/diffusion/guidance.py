"""Classifier-free guidance, and what keeps its pictures inside the range of pictures.

Everything here wraps a network into `predict(x_t, t) -> Prediction`, the one thing that samplers
call. Our scale s gives uncond + s (cond - uncond); the weight in other texts is w = s - 1. Knows
nothing of samplers, embedders or files.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.diffusion.parameterization import Parameterization
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.errors import UsageError
from ddpm_clip.registry import Registry
from ddpm_clip.types import Predict, Prediction

Network = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(x_t (b,c,h,w), t (b,), c (b,e), c_mask (b,1)) -> (b,c,h,w)."""


def keep(x_0: Tensor) -> Tensor:
    """No clamp."""
    return x_0


def static_clamp(x_0: Tensor) -> Tensor:
    """Cut to [-1, 1], where pictures live."""
    return x_0.clamp(-1, 1)


def dynamic_clamp(x_0: Tensor, quantile: float = 0.995) -> Tensor:
    """Cut and shrink by a quantile of each picture (Saharia et al. 2022, section 2.3)."""
    limit = x_0.abs().flatten(1).float().quantile(quantile, dim=1).clamp(min=1.0).to(x_0.dtype)
    limit = limit.view(-1, 1, 1, 1)
    return torch.maximum(torch.minimum(x_0, limit), -limit) / limit


CLAMPS: Registry[Callable[[Tensor], Tensor]] = Registry(
    "clamp", {"none": keep, "static": static_clamp, "dynamic": dynamic_clamp}
)


@dataclass(frozen=True, slots=True)
class Guidance:
    """How strongly, where and within which bounds the condition steers.

    Attributes:
        scale: s, one number or one a picture (b,); 1 is the plain condition, 0 ignores it.
        interval: (low, high] of sigma/alpha; outside it scales above 1 count as 1
            (Kynkäänniemi et al. 2024). None: everywhere.
        clamp: a name in `CLAMPS`, applied to x_0 at each step.
        rescale: phi in [0, 1]: pull the spread of the guided x_0 back to that of the
            conditional one (Lin et al. 2023, section 3.4).
    """

    scale: float | Tensor = 1.0
    interval: tuple[float, float] | None = None
    clamp: str = "none"
    rescale: float = 0.0

    def scales_at(self, ratio: float, b: int) -> Tensor:
        """(b,) the scale of each picture where sigma/alpha = `ratio`."""
        scale = torch.as_tensor(self.scale, dtype=torch.float32).expand(b)
        if not scale.isfinite().all():
            raise UsageError("the guidance scale must be a finite number", param="guidance")
        inside = self.interval is None or self.interval[0] < ratio <= self.interval[1]
        return scale if inside else scale.clamp(max=1.0)


def guided(
    network: Network,
    schedule: NoiseSchedule,
    parameterization: Parameterization,
    c: Tensor,
    guidance: Guidance,
    c_neg: Tensor | None = None,
) -> Predict:
    """Wrap `network` and its conditions into `predict(x_t, t)`.

    Both branches run in one batched call; where guidance is off only one runs.

    Args:
        network: asked at one row for the whole batch.
        schedule: the table that the rows belong to.
        parameterization: how the network's answer is read.
        c: (b, e) conditions.
        guidance: scale, interval, clamp and rescale.
        c_neg: (b, e) what to steer away from; None steers away from the learned null.
    """
    clamp = CLAMPS[guidance.clamp]

    def predict(x_t: Tensor, t: float) -> Prediction:
        alpha, sigma = schedule.at(t)
        scale = guidance.scales_at(sigma / max(alpha, 1e-12), len(x_t)).to(x_t.device)

        def read(said: Tensor) -> Tensor:
            return parameterization.read(said, x_t, alpha, sigma)[1]

        said = _branches(network, x_t, t, c, c_neg, scale)
        if said.cond is None or said.uncond is None:
            only = said.uncond if said.cond is None else said.cond
            assert only is not None
            eps, x_0 = parameterization.read(only, x_t, alpha, sigma)
            if guidance.clamp == "none":
                return Prediction(eps, x_0)
            return _with_eps(clamp(x_0), x_t, alpha, sigma)
        x_0_cond, x_0_uncond = read(said.cond), read(said.uncond)
        x_0 = x_0_uncond + scale.view(-1, 1, 1, 1) * (x_0_cond - x_0_uncond)
        x_0 = clamp(_rescaled(x_0, x_0_cond, guidance.rescale))
        return _with_eps(x_0, x_t, alpha, sigma, x_0_cond, x_0_uncond)

    return predict


@dataclass(frozen=True, slots=True)
class _Said:
    cond: Tensor | None
    uncond: Tensor | None


def _branches(
    network: Network, x_t: Tensor, t: float, c: Tensor, c_neg: Tensor | None, scale: Tensor
) -> _Said:
    """Ask the branches that the scales need, both in one call."""
    b = len(x_t)
    rows = torch.full((b,), t, dtype=torch.float32, device=x_t.device)
    shown = torch.ones(b, 1, device=x_t.device)
    away, away_mask = (c, 0 * shown) if c_neg is None else (c_neg, shown)
    if bool((scale == 1).all()):
        return _Said(network(x_t, rows, c, shown), None)
    if bool((scale == 0).all()):
        return _Said(None, network(x_t, rows, away, away_mask))
    both = network(
        torch.cat([x_t, x_t]),
        torch.cat([rows, rows]),
        torch.cat([c, away]),
        torch.cat([shown, away_mask]),
    )
    return _Said(*both.chunk(2))


def _rescaled(x_0: Tensor, x_0_cond: Tensor, phi: float) -> Tensor:
    if phi == 0:
        return x_0
    spread = x_0.flatten(1).std(1).clamp(min=1e-6).view(-1, 1, 1, 1)
    wanted = x_0_cond.flatten(1).std(1).view(-1, 1, 1, 1)
    return phi * x_0 * wanted / spread + (1 - phi) * x_0


def _with_eps(
    x_0: Tensor,
    x_t: Tensor,
    alpha: float,
    sigma: float,
    x_0_cond: Tensor | None = None,
    x_0_uncond: Tensor | None = None,
) -> Prediction:
    """The noise that goes with a changed x_0, so that x_t = alpha x_0 + sigma eps still holds."""
    return Prediction((x_t - alpha * x_0) / sigma, x_0, x_0_cond, x_0_uncond)
