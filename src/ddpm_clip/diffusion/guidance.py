"""Classifier-free guidance (Ho & Salimans 2022), clamping of x_0, and CFG rescale.

`guided` wraps a network into `predict(x_t, t) -> Prediction`, the only thing that samplers call.
The guidance scale s gives uncond + s (cond - uncond); papers that write (1 + w) cond - w uncond
have w = s - 1. Knows nothing of samplers: whatever changes a prediction wraps `predict`.
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
    """Clamp to [-1, 1], the range of pixel values."""
    return x_0.clamp(-1, 1)


def dynamic_clamp(x_0: Tensor, quantile: float = 0.995) -> Tensor:
    """Dynamic thresholding (Saharia et al. 2022, section 2.3): clamp to a quantile and rescale."""
    limit = x_0.abs().flatten(1).float().quantile(quantile, dim=1).clamp(min=1.0).to(x_0.dtype)
    limit = limit.view(-1, 1, 1, 1)
    return torch.maximum(torch.minimum(x_0, limit), -limit) / limit


CLAMPS: Registry[Callable[[Tensor], Tensor]] = Registry(
    "clamp", {"none": keep, "static": static_clamp, "dynamic": dynamic_clamp}
)


@dataclass(frozen=True, slots=True)
class Guidance:
    """Settings of classifier-free guidance.

    Attributes:
        scale: guidance scale s, one number or one per picture (b,); 1 is the plain conditional
            prediction, 0 ignores the condition.
        interval: guidance interval (low, high] in sigma/alpha; outside it scales above 1 are
            treated as 1 (Kynkäänniemi et al. 2024). None applies the scale everywhere.
        clamp: a name in `CLAMPS`, applied to x_0 at each step.
        rescale: phi in [0, 1]: how far the standard deviation of the guided x_0 is pulled back
            to that of the conditional one (Lin et al. 2023, section 3.4).
    """

    scale: float | Tensor = 1.0
    interval: tuple[float, float] | None = None
    clamp: str = "none"
    rescale: float = 0.0

    def scales_at(self, ratio: float, b: int) -> Tensor:
        """Return the scale of each picture (b,) at the noise level sigma/alpha = `ratio`."""
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

    Both branches run in one batched call; where all scales are 1 (or 0), only one of them runs.

    Args:
        network: the denoiser, called at one timestep for the whole batch.
        schedule: the noise schedule that t refers to.
        parameterization: how the network's output is converted to eps and x_0.
        c: (b, e) conditions.
        guidance: scale, interval, clamp and rescale.
        c_neg: (b, e) negative conditions; None takes the network's learned null condition.
    """
    clamp = CLAMPS[guidance.clamp]

    def predict(x_t: Tensor, t: float) -> Prediction:
        alpha, sigma = schedule.at(t)
        scale = guidance.scales_at(sigma / max(alpha, 1e-12), len(x_t)).to(x_t.device)

        def read(out: Tensor) -> Tensor:
            return parameterization.read(out, x_t, alpha, sigma)[1]

        out = _branches(network, x_t, t, c, c_neg, scale)
        if out.cond is None or out.uncond is None:
            only = out.uncond if out.cond is None else out.cond
            assert only is not None
            eps, x_0 = parameterization.read(only, x_t, alpha, sigma)
            if guidance.clamp == "none":
                return Prediction(eps, x_0)
            return _with_eps(clamp(x_0), x_t, alpha, sigma)
        x_0_cond, x_0_uncond = read(out.cond), read(out.uncond)
        x_0 = x_0_uncond + scale.view(-1, 1, 1, 1) * (x_0_cond - x_0_uncond)
        x_0 = clamp(_rescaled(x_0, x_0_cond, guidance.rescale))
        return _with_eps(x_0, x_t, alpha, sigma, x_0_cond, x_0_uncond)

    return predict


@dataclass(frozen=True, slots=True)
class _Branches:
    cond: Tensor | None
    uncond: Tensor | None


def _branches(
    network: Network, x_t: Tensor, t: float, c: Tensor, c_neg: Tensor | None, scale: Tensor
) -> _Branches:
    """Run the branches that the scales need, both in one call."""
    b = len(x_t)
    ts = torch.full((b,), t, dtype=torch.float32, device=x_t.device)
    keep_mask = torch.ones(b, 1, device=x_t.device)
    uncond, uncond_mask = (c, 0 * keep_mask) if c_neg is None else (c_neg, keep_mask)
    if bool((scale == 1).all()):
        return _Branches(network(x_t, ts, c, keep_mask), None)
    if bool((scale == 0).all()):
        return _Branches(None, network(x_t, ts, uncond, uncond_mask))
    both = network(
        torch.cat([x_t, x_t]),
        torch.cat([ts, ts]),
        torch.cat([c, uncond]),
        torch.cat([keep_mask, uncond_mask]),
    )
    return _Branches(*both.chunk(2))


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
    """Return x_0 with the eps that keeps x_t = alpha x_0 + sigma eps."""
    return Prediction((x_t - alpha * x_0) / sigma, x_0, x_0_cond, x_0_uncond)
