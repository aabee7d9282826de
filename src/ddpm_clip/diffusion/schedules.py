"""Noise schedules, and how timesteps are chosen for sampling and training.

x_t = alpha[t] x_0 + sigma[t] eps, variance preserving (alpha^2 + sigma^2 = 1) throughout.
Timesteps may be fractional: log-SNR is interpolated linearly between whole timesteps. Timestep -1
is the clean picture.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import overload

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.moved import former_method
from ddpm_clip.registry import Registry

CLEAN = -1.0
"""The timestep below timestep 0: alpha = 1, sigma = 0."""

SIGMA_MAX = 80.0
"""Largest sigma/alpha at which sampling starts; above it, few-step solvers diverge."""

_LOG_LIMIT = 30.0  # |log sigma/alpha| is clamped here, so that alpha = 0 or sigma = 0 stays finite


@dataclass(frozen=True, slots=True, eq=False)
class NoiseSchedule:
    """A table of noise levels: `alpha` and `sigma` (T,) in float64, log-SNR strictly decreasing.

    Raises:
        UsageError: the log-SNR does not decrease strictly, or the columns differ in length.
    """

    alpha: Tensor  # (T,)
    sigma: Tensor  # (T,)
    log_ratio: Tensor = field(init=False, repr=False)  # (T,) log sigma/alpha = -log-SNR / 2
    row_of = former_method("row_of", "timestep_of")

    def __post_init__(self) -> None:
        alpha, sigma = self.alpha.double().cpu(), self.sigma.double().cpu()
        if alpha.shape != sigma.shape or alpha.ndim != 1:
            raise UsageError(
                "alpha and sigma must be vectors of the same length",
                f"their shapes are {tuple(alpha.shape)} and {tuple(sigma.shape)}",
            )
        log_ratio = (sigma.log() - alpha.log()).clamp(-_LOG_LIMIT, _LOG_LIMIT)
        if not (log_ratio.diff() > 0).all():
            raise UsageError("the noise level must increase strictly from timestep to timestep")
        for name, value in (("alpha", alpha), ("sigma", sigma), ("log_ratio", log_ratio)):
            object.__setattr__(self, name, value)

    @classmethod
    def from_betas(cls, betas: Tensor) -> "NoiseSchedule":
        """Build the table from betas (Ho et al. 2020, eq. 4): alpha_t^2 = prod (1 - beta)."""
        alpha_bar = (1 - betas.double().cpu()).cumprod(0)
        return cls(alpha_bar.sqrt(), (1 - alpha_bar).sqrt())

    @property
    def T(self) -> int:
        """The number of timesteps."""
        return len(self.alpha)

    @property
    def log_snr(self) -> Tensor:
        """(T,) log alpha^2/sigma^2."""
        return -2 * self.log_ratio

    @overload
    def at(self, t: float) -> tuple[float, float]: ...
    @overload
    def at(self, t: Tensor) -> tuple[Tensor, Tensor]: ...
    def at(self, t: float | Tensor) -> tuple[float, float] | tuple[Tensor, Tensor]:
        """Return (alpha, sigma) at t in [-1, T-1]: floats, or float64 tensors of t's shape."""
        if isinstance(t, Tensor):
            return self._at_timesteps(t.cpu().double())  # CPU first: MPS has no float64
        if t == CLEAN:
            return 1.0, 0.0
        alpha, sigma = self._at_timesteps(torch.tensor([t], dtype=torch.float64))
        return alpha.item(), sigma.item()

    def _at_timesteps(self, t: Tensor) -> tuple[Tensor, Tensor]:
        low = t.floor().long().clamp(0, self.T - 1)
        high = (low + 1).clamp(max=self.T - 1)
        between = t - low
        log_ratio = torch.lerp(self.log_ratio[low], self.log_ratio[high], between)
        exact = between == 0  # whole timesteps are read from the table, free of rounding error
        alpha = torch.where(exact, self.alpha[low], torch.sigmoid(-2 * log_ratio).sqrt())
        sigma = torch.where(exact, self.sigma[low], torch.sigmoid(2 * log_ratio).sqrt())
        clean = t == CLEAN
        return alpha.masked_fill(clean, 1.0), sigma.masked_fill(clean, 0.0)

    def timestep_of(self, ratio: Tensor) -> Tensor:
        """Return the (fractional) timesteps where sigma/alpha = `ratio`, clipped to the table."""
        wanted = ratio.double().log().clamp(self.log_ratio[0], self.log_ratio[-1])
        high = torch.searchsorted(self.log_ratio, wanted).clamp(1, self.T - 1)
        low_value, high_value = self.log_ratio[high - 1], self.log_ratio[high]
        return high - 1 + (wanted - low_value) / (high_value - low_value)

    def walk(
        self, steps: int, sigma_max: float = SIGMA_MAX, spacing: str = "log_snr"
    ) -> list[float]:
        """Return `steps` strictly decreasing timesteps, the last of them 0.

        Args:
            steps: number of timesteps, 1 to T.
            sigma_max: upper limit of sigma/alpha at the first timestep, for "log_snr".
            spacing: "log_snr" (uniform in log-SNR, fractional timesteps) or "timesteps" (uniform
                in t, whole timesteps).

        Raises:
            UsageError: `steps` is below 1 or above T.
        """
        if not 1 <= steps <= self.T:
            raise UsageError(
                f"steps = {steps} is out of range",
                f"the model was trained with T = {self.T} timesteps",
                f"choose 1 to {self.T}",
                param="steps",
            )
        if spacing == "timesteps":
            return torch.linspace(self.T - 1, 0, steps, dtype=torch.float64).round().tolist()
        top = min(math.log(sigma_max), self.log_ratio[-1].item())
        levels = torch.linspace(top, self.log_ratio[0].item(), steps, dtype=torch.float64)
        return self.timestep_of(levels.exp()).tolist()


def linear(T: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> NoiseSchedule:
    """Linear betas (Ho et al. 2020), scaled by 1000/T so that x_T is noise for every T."""
    scale = 1000 / T
    return _from_betas(torch.linspace(scale * beta_start, scale * beta_end, T, dtype=torch.float64))


def scaled_linear(T: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> NoiseSchedule:
    """Betas linear in their square root (Rombach et al. 2022), scaled by 1000/T."""
    roots = torch.linspace(beta_start**0.5, beta_end**0.5, T, dtype=torch.float64)
    return _from_betas(1000 / T * roots**2)


def cosine(T: int, offset: float = 0.008) -> NoiseSchedule:
    """alpha_bar = cos^2 (Nichol & Dhariwal 2021, eq. 17), betas at most 0.999."""
    s = torch.linspace(0, 1, T + 1, dtype=torch.float64)
    return _from_alpha_bar(((s + offset) / (1 + offset) * math.pi / 2).cos() ** 2)


def sigmoid(T: int, start: float = -3.0, end: float = 3.0, tau: float = 1.0) -> NoiseSchedule:
    """alpha_bar falls along a sigmoid (Jabri et al. 2022, algorithm 1), betas at most 0.999."""
    s = torch.linspace(start, end, T + 1, dtype=torch.float64) / tau
    return _from_alpha_bar(torch.sigmoid(-s) - torch.sigmoid(-s[-1]))


def with_zero_terminal_snr(schedule: NoiseSchedule) -> NoiseSchedule:
    """Shift and scale alpha so that alpha_T = 0 (Lin et al. 2023, algorithm 1)."""
    first, last = schedule.alpha[0], schedule.alpha[-1]
    alpha = (schedule.alpha - last) * first / (first - last)
    return NoiseSchedule(alpha, (1 - alpha**2).sqrt())


def _from_alpha_bar(alpha_bar: Tensor) -> NoiseSchedule:
    return _from_betas(1 - alpha_bar[1:] / alpha_bar[:-1])


def _from_betas(betas: Tensor) -> NoiseSchedule:
    return NoiseSchedule.from_betas(betas.clamp(max=0.999))


SCHEDULES: Registry[Callable[..., NoiseSchedule]] = Registry(
    "schedule",
    {"linear": linear, "scaled_linear": scaled_linear, "cosine": cosine, "sigmoid": sigmoid},
)


def uniform_timesteps(u: Tensor, schedule: NoiseSchedule) -> Tensor:
    """Map u (b,) in [0, 1) to whole timesteps, each equally likely."""
    return (u.double() * schedule.T).floor().clamp(max=schedule.T - 1)


def lognormal_timesteps(
    u: Tensor, schedule: NoiseSchedule, p_mean: float = -1.2, p_std: float = 1.2
) -> Tensor:
    """Map u to fractional t, log sigma/alpha ~ N(p_mean, p_std^2) (Karras et al. 2022, table 1)."""
    z = torch.special.ndtri(u.double().clamp(1e-7, 1 - 1e-7))
    return schedule.timestep_of((p_mean + p_std * z).exp())


NOISE_LEVELS: Registry[Callable[..., Tensor]] = Registry(
    "noise level distribution", {"uniform": uniform_timesteps, "lognormal": lognormal_timesteps}
)
"""Name -> (uniform numbers u (b,), schedule) -> training timesteps (b,)."""


def stratified(b: int, generator: torch.Generator) -> Tensor:
    """Draw b stratified uniform numbers, one in each b-th of [0, 1); lowers the loss variance."""
    return (torch.arange(b) + torch.rand(b, generator=generator, dtype=torch.float64)) / b
