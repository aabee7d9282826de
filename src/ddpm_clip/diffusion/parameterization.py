"""What a network predicts (eps, x_0 or v), how it is read, and how its error is weighted.

With x_t = alpha x_0 + sigma eps any one of the three gives the other two exactly. Knows nothing
of networks or schedules: alpha and sigma arrive as numbers or as tensors that broadcast.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ddpm_clip.registry import Registry

Level = float | Tensor
"""alpha or sigma: a number, or a tensor that broadcasts against the picture."""


@dataclass(frozen=True, slots=True)
class Parameterization:
    """One choice of target, with its inverse.

    Attributes:
        target: (x_0, eps, alpha, sigma) -> what the network should say.
        read: (said, x_t, alpha, sigma) -> (eps, x_0).
        x_0_error: (alpha, sigma) -> |x_0 error|^2 for a unit of |target error|^2.
    """

    target: Callable[[Tensor, Tensor, Level, Level], Tensor]
    read: Callable[[Tensor, Tensor, Level, Level], tuple[Tensor, Tensor]]
    x_0_error: Callable[[Level, Level], Level]


EPS = Parameterization(
    target=lambda x_0, eps, alpha, sigma: eps,
    read=lambda said, x_t, alpha, sigma: (said, (x_t - sigma * said) / alpha),
    x_0_error=lambda alpha, sigma: (sigma / alpha) ** 2,
)
"""The noise (Ho et al. 2020, eq. 14)."""

X_0 = Parameterization(
    target=lambda x_0, eps, alpha, sigma: x_0,
    read=lambda said, x_t, alpha, sigma: ((x_t - alpha * said) / sigma, said),
    x_0_error=lambda alpha, sigma: 1.0 + 0.0 * alpha,
)
"""The clean picture."""

V = Parameterization(
    target=lambda x_0, eps, alpha, sigma: alpha * eps - sigma * x_0,
    read=lambda said, x_t, alpha, sigma: (sigma * x_t + alpha * said, alpha * x_t - sigma * said),
    x_0_error=lambda alpha, sigma: sigma**2,
)
"""The velocity (Salimans & Ho 2022, appendix D): well scaled at every noise level."""

PARAMETERIZATIONS = Registry("parameterization", {"eps": EPS, "x_0": X_0, "v": V})


def uniform(
    parameterization: Parameterization, alpha: Tensor, sigma: Tensor, sigma_data: float
) -> Tensor:
    """Every row counts the same in the target's own units (L_simple)."""
    return alpha * 0 + 1


def min_snr(
    parameterization: Parameterization, alpha: Tensor, sigma: Tensor, sigma_data: float
) -> Tensor:
    """min(SNR, 5) on the error of x_0 (Hang et al. 2023, section 3.4), in the target's units."""
    snr = (alpha / sigma) ** 2
    return snr.clamp(max=5.0) * parameterization.x_0_error(alpha, sigma)


def edm(
    parameterization: Parameterization, alpha: Tensor, sigma: Tensor, sigma_data: float
) -> Tensor:
    """(s^2 + s_d^2) / (s s_d)^2 on the error of x_0, s = sigma/alpha (Karras et al. 2022)."""
    # Written as a sum, which stays finite on a row of pure noise (alpha = 0).
    weight = sigma_data**-2 + (alpha / sigma) ** 2
    return weight * parameterization.x_0_error(alpha, sigma)


WEIGHTINGS: Registry[Callable[[Parameterization, Tensor, Tensor, float], Tensor]] = Registry(
    "loss weighting", {"uniform": uniform, "min_snr": min_snr, "edm": edm}
)
