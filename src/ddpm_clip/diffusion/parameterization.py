"""Prediction targets (eps, x_0 or v), conversions between them, and loss weightings.

With x_t = alpha x_0 + sigma eps, any one of the three determines the other two. alpha and sigma
are plain numbers, or tensors that broadcast against the picture.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ddpm_clip.registry import Registry

Level = float | Tensor
"""alpha or sigma: a number, or a tensor that broadcasts against the picture."""


@dataclass(frozen=True, slots=True)
class Parameterization:
    """One choice of prediction target, with its inverse.

    Attributes:
        target: (x_0, eps, alpha, sigma) -> the regression target of the network.
        read: (network output, x_t, alpha, sigma) -> (eps, x_0).
        x_0_error: (alpha, sigma) -> squared error of x_0 per unit of squared target error.
    """

    target: Callable[[Tensor, Tensor, Level, Level], Tensor]
    read: Callable[[Tensor, Tensor, Level, Level], tuple[Tensor, Tensor]]
    x_0_error: Callable[[Level, Level], Level]


EPS = Parameterization(
    target=lambda x_0, eps, alpha, sigma: eps,
    read=lambda out, x_t, alpha, sigma: (out, (x_t - sigma * out) / alpha),
    x_0_error=lambda alpha, sigma: (sigma / alpha) ** 2,
)
"""Predicts the noise (Ho et al. 2020, eq. 14)."""

X_0 = Parameterization(
    target=lambda x_0, eps, alpha, sigma: x_0,
    read=lambda out, x_t, alpha, sigma: ((x_t - alpha * out) / sigma, out),
    x_0_error=lambda alpha, sigma: 1.0 + 0.0 * alpha,
)
"""Predicts the clean picture."""

V = Parameterization(
    target=lambda x_0, eps, alpha, sigma: alpha * eps - sigma * x_0,
    read=lambda out, x_t, alpha, sigma: (sigma * x_t + alpha * out, alpha * x_t - sigma * out),
    x_0_error=lambda alpha, sigma: sigma**2,
)
"""Predicts v = alpha eps - sigma x_0 (Salimans & Ho 2022, appendix D), well scaled everywhere."""

PARAMETERIZATIONS = Registry("parameterization", {"eps": EPS, "x_0": X_0, "v": V})


def uniform(
    parameterization: Parameterization, alpha: Tensor, sigma: Tensor, sigma_data: float
) -> Tensor:
    """Weight 1 at every noise level, in the units of the target (L_simple)."""
    return alpha * 0 + 1


def min_snr(
    parameterization: Parameterization, alpha: Tensor, sigma: Tensor, sigma_data: float
) -> Tensor:
    """min(SNR, 5) on the error of x_0 (Hang et al. 2023, section 3.4), in units of the target."""
    snr = (alpha / sigma) ** 2
    return snr.clamp(max=5.0) * parameterization.x_0_error(alpha, sigma)


def edm(
    parameterization: Parameterization, alpha: Tensor, sigma: Tensor, sigma_data: float
) -> Tensor:
    """(s^2 + s_d^2) / (s s_d)^2 on the error of x_0, s = sigma/alpha (Karras et al. 2022)."""
    # Written as a sum, which stays finite at pure noise (alpha = 0).
    weight = sigma_data**-2 + (alpha / sigma) ** 2
    return weight * parameterization.x_0_error(alpha, sigma)


WEIGHTINGS: Registry[Callable[[Parameterization, Tensor, Tensor, float], Tensor]] = Registry(
    "loss weighting", {"uniform": uniform, "min_snr": min_snr, "edm": edm}
)
