"""An exact mixture with known answers that stands in for a trained model.

It has ten round Gaussian modes with the same spread, all equally far apart. A condition tilts their
weights, w_k proportional to pi_k exp(tilt c_k), so that E[x_0 | x_t, c] and the posterior over the
modes have a closed form at every noise level and are smooth in c. The class words of a prompt
choose the mode, and all other words have no effect. The judge and the embedder read which mode a
picture belongs to.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.diffusion.schedules import NoiseSchedule, cosine
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.asked_for import asked_for
from ddpm_clip.generation.settings import Settings
from ddpm_clip.models.ddpm import DDPM

TILT = 12.0
"""How much a condition of 1 raises a mode's log-weight: by a factor e^12, others all but vanish."""

SIDE, NORM, SPREAD = 8, 3.2, 0.1
"""Pixels per side, length of every mean, and standard deviation of a pixel within a mode."""

HEAT = 8.0
"""Log-odds of the judge between the mode of a clean picture and any other mode."""

FRAMES = ("{}", "a {}", "the {}", "a picture of a {}", "a small {}")


@dataclass(slots=True, eq=False)
class Mixture:
    """A mixture of round Gaussians: a `Denoiser` that predicts v exactly, in float64.

    Attributes:
        means: (k, c, h, w) means of the modes, in float64.
        log_weights: (k,) log-weights of the modes without a condition.
        std: standard deviation of every pixel within a mode.
        schedule: the noise schedule.
        tilt: factor by which a condition (b, k) is added to the log-weights.
        image_shape: (c, h, w).
        c_embed_dim: k, one coordinate per mode.
    """

    means: Tensor
    log_weights: Tensor
    std: float
    schedule: NoiseSchedule
    tilt: float = TILT
    image_shape: tuple[int, int, int] = field(init=False)
    c_embed_dim: int = field(init=False)

    def __post_init__(self) -> None:
        k, c, h, w = self.means.shape
        self.image_shape, self.c_embed_dim = (c, h, w), k

    def posterior(self, x_t: Tensor, t: float | Tensor, c: Tensor | None = None) -> Tensor:
        """Return (b, k) the probability of each mode given x_t at timestep t, and given c.

        Args:
            x_t: (b, c, h, w) noisy pictures.
            t: one timestep, or one per picture (b,).
            c: (b, k) conditions; None is the mixture without a condition.
        """
        alpha, sigma = self._levels(t, len(x_t))
        spread = alpha**2 * self.std**2 + sigma**2  # (b, 1)
        x, m = x_t.double().flatten(1), self.means.flatten(1)
        # the terms of -|x_t - alpha m_k|^2 / 2 spread that differ between modes
        fits = (alpha * (x @ m.T) - alpha**2 * m.square().sum(1) / 2) / spread
        tilted = self.log_weights if c is None else self.log_weights + self.tilt * c.double()
        return (fits + tilted).softmax(1)

    def x_0(self, x_t: Tensor, t: float | Tensor, c: Tensor | None = None) -> Tensor:
        """Return E[x_0 | x_t, c], (b, c, h, w) in float64; arguments as for `posterior`."""
        alpha, sigma = self._levels(t, len(x_t))
        v2, s2 = self.std**2, sigma**2
        mean = self.posterior(x_t, t, c) @ self.means.flatten(1)
        flat = (alpha * v2 * x_t.double().flatten(1) + s2 * mean) / (alpha**2 * v2 + s2)
        return flat.view(x_t.shape)

    def __call__(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        """Return v of x_t (b, c, h, w) at timesteps t (b,); a masked condition counts as none."""
        x_0 = self.x_0(x_t, t, c.double() * c_mask.double())
        alpha, sigma = (one.view(-1, 1, 1, 1) for one in self._levels(t, len(x_t)))
        eps = (x_t.double() - alpha * x_0) / sigma
        return alpha * eps - sigma * x_0

    def draw(self, modes: Tensor, generator: torch.Generator) -> Tensor:
        """Draw (n, c, h, w) true samples of the modes (n,), in float64."""
        noise = torch.randn(len(modes), *self.image_shape, generator=generator, dtype=torch.float64)
        return self.means[modes] + self.std * noise

    def coordinates(self, x: Tensor) -> Tensor:
        """Return (b, k) how much of each mode's mean is in pictures x: 1 for its clean picture."""
        m = self.means.flatten(1)
        return (x.double().flatten(1) @ m.T) / m.square().sum(1)

    def _levels(self, t: float | Tensor, b: int) -> tuple[Tensor, Tensor]:
        alpha, sigma = self.schedule.at(torch.as_tensor(t, dtype=torch.float64).expand(b))
        return alpha[:, None], sigma[:, None]


def ten_modes(T: int = 1000, std: float = SPREAD, tilt: float = TILT) -> Mixture:
    """Return ten equally likely orthogonal modes, the smoothest patterns of an 8 x 8 cosine basis.

    All means have the same length, so that all modes are decided at one noise level, and their
    pixels are within [-0.8, 0.8].
    """
    at = (torch.arange(SIDE, dtype=torch.float64) + 0.5) * math.pi / SIDE
    waves = torch.stack([(i * at).cos() for i in range(SIDE)])
    pairs = sorted(((i, j) for i in range(4) for j in range(4) if i + j), key=lambda p: (sum(p), p))
    patterns = torch.stack([waves[i][:, None] * waves[j] for i, j in pairs[: len(DIGITS)]])
    means = NORM * F.normalize(patterns.flatten(1), dim=1).view(-1, 1, SIDE, SIDE)
    return Mixture(
        means,
        torch.full((len(DIGITS),), -math.log(len(DIGITS)), dtype=torch.float64),
        std,
        cosine(T),
        tilt,
    )


def planted_target(
    prompt: str = "a two",
    seeds: Sequence[int] = tuple(range(16)),
    *,
    guidance: float = 2.0,
    steps: int = 20,
    sampler: str = "dpmpp_2m",
    mixture: Mixture | None = None,
) -> AnalysisTarget:
    """Return the exact mixture as a target; its modes are called zero to nine.

    Args:
        prompt: any words; those of a class choose the mode.
        seeds: random seeds, one per picture.
        guidance: guidance scale.
        steps: number of sampling steps.
        sampler: a name in `SAMPLERS`.
        mixture: the mixture; None takes `ten_modes()`.
    """
    truth = ten_modes() if mixture is None else mixture
    names = DIGITS[: truth.c_embed_dim]
    asked_class = asked_for(prompt, {"mode": names}).asked_class
    settings = Settings(
        steps=steps, guidance=(guidance,), sampler=sampler, clamp="none", interval=None
    )

    def conditioning(prompts: Sequence[str], seeds: Sequence[int]) -> Tensor:
        return torch.stack([meant(text, names) for text in prompts])

    def judging(x: Tensor) -> Tensor:
        return (HEAT * truth.coordinates(x)).softmax(1).float()

    def embedding(x: Tensor) -> Tensor:
        return F.normalize(truth.coordinates(x), dim=1).float()

    def wording(texts: Sequence[str]) -> Tensor:
        rows = torch.stack([meant(text, names) for text in texts])
        return F.normalize(torch.where(rows.any(1, keepdim=True), rows, 1.0), dim=1)

    return AnalysisTarget(
        "the planted mixture",
        prompt,
        tuple(seeds),
        truth,
        DDPM(truth.schedule, parameterization="v"),
        settings,
        conditioning,
        "mode",
        names,
        asked_class,
        judging,
        embedding,
        wording,
        vocabulary=tuple(frame.format(name) for name in names for frame in FRAMES),
        about={"judged_by": "the exact mixture", "embedded_by": "the exact mixture"},
    )


def meant(text: str, names: Sequence[str] = DIGITS) -> Tensor:
    """Return (k,) the condition of a text: 1 for the class it names, shared if it names several.

    >>> meant("a small two").tolist().index(1.0), meant("a small").sum().item()
    (2, 0.0)
    """
    words = re.findall(r"\w+", text.casefold())
    named = torch.tensor([float(name in words) for name in names])
    return named / named.sum().clamp(min=1)
