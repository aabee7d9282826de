"""The training loop of the lessons: short enough to be read before it is used.

Everything is a plain argument, and steps are counted, never seconds, so that a lesson does the same
on every machine. The full-size loop, with checkpoints and configs, is `ddpm_clip.training`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from ddpm_clip.diffusion.schedules import NoiseSchedule, cosine
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.models.ema import EMA
from ddpm_clip.models.unet import UNet
from ddpm_clip.training.steps.state import OPTIMIZERS
from ddpm_clip.types import Denoiser
from ddpm_clip.utils.tensors import to_float

WARMUP, DECAY, CLIP = 30, 0.4, 1.0
"""Steps of warm-up, share of the steps in which the rate falls to 0, largest gradient norm."""


@dataclass(frozen=True, slots=True)
class FitStep:
    """One step of `fit`: its number from 1, and its loss."""

    step: int
    loss: float


@dataclass(frozen=True, slots=True)
class OwnParts:
    """Functions of a student that replace those of the library in `fit`.

    Attributes:
        loss: (network, x_0, t, eps, c, c_mask, alpha, sigma) -> loss, as in exercise 6.6.
        context_mask: (b, drop, generator) -> mask (b, 1), as in exercise 4.1.
    """

    loss: Callable[..., Tensor] | None = None
    context_mask: Callable[..., Tensor] | None = None


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How `fit` trains.

    Attributes:
        batch: pictures a step.
        lr: largest learning rate.
        optimizer: "muon", "adamw" or "adam".
        drop: share of conditions that are dropped.
        mask: "sample" drops whole conditions, "element" single numbers of them.
        timestep: train at this timestep only; None draws one for each picture.
        seed: random seed of batches, timesteps, noise and masks.
        average: use the averaged weights (EMA) when the training is over.
    """

    batch: int = 64
    lr: float = 6e-3
    optimizer: str = "muon"
    drop: float = 0.1
    mask: str = "sample"
    timestep: float | None = None
    seed: int = 0
    average: bool = True


def fit(
    network: nn.Module,
    ddpm: DDPM,
    pixels: Tensor,
    conditions: Tensor | None = None,
    *,
    steps: int,
    options: FitOptions | None = None,
    parts: OwnParts | None = None,
) -> Iterator[FitStep]:
    """Train a denoiser in place and yield once a step.

    Args:
        network: the denoiser.
        ddpm: schedule, loss and distribution of timesteps.
        pixels: pictures (n, c, h, w), uint8.
        conditions: (n, e) conditions; None trains without.
        steps: number of steps.
        options: batch, rate, optimiser and more; by default the recipe of the lessons.
        parts: functions of a student to be used in place of ours.
    """
    options, parts = options or FitOptions(), parts or OwnParts()
    draws = torch.Generator().manual_seed(options.seed)
    optimizer, ema = optimizer_of(network, options), EMA(network)
    e = getattr(network, "c_embed_dim", 1)
    network.train()
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = options.lr * rate(step, steps)
        rows = torch.randint(0, len(pixels), (options.batch,), generator=draws)
        x_0 = to_float(pixels[rows])
        c = torch.zeros(len(rows), e) if conditions is None else conditions[rows]
        loss = loss_of(network, ddpm, x_0, c, draws, options, parts)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        ema.update()
        yield FitStep(step, float(loss.detach()))
    if options.average:
        ema.apply_shadow()
    network.eval()


def loss_of(
    network: nn.Module,
    ddpm: DDPM,
    x_0: Tensor,
    c: Tensor,
    draws: torch.Generator,
    options: FitOptions,
    parts: OwnParts,
) -> Tensor:
    """Return the loss of a batch x_0 (b, c, h, w) with conditions c (b, e)."""
    b = len(x_0)
    t = ddpm.draw_timesteps(b, draws)
    if options.timestep is not None:
        t = torch.full((b,), float(options.timestep), dtype=torch.float64)
    if parts.context_mask is not None:
        c_mask = parts.context_mask(b, options.drop, draws)
    else:
        c_mask = ddpm.get_context_mask(c, options.drop, draws, options.mask)
    eps = torch.randn(x_0.shape, generator=draws)
    if parts.loss is None:
        return ddpm.get_loss(cast(Denoiser, network), x_0, t, c, c_mask, eps)
    alpha, sigma = ddpm.schedule.alpha.float(), ddpm.schedule.sigma.float()
    return parts.loss(network, x_0, t.long(), eps, c, c_mask, alpha, sigma)


def rate(step: int, steps: int) -> float:
    """Return the share of the learning rate: warm-up, plateau, straight fall over the last 40 %."""
    up = min(1.0, step / min(WARMUP, steps))
    return min(up, (steps - step + 1) / max(1.0, DECAY * steps))


def optimizer_of(network: nn.Module, options: FitOptions) -> torch.optim.Optimizer:
    """Return the optimiser that the options name."""
    if options.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), options.lr)
    groups = [{"params": [p for p in network.parameters() if p.requires_grad]}]
    return OPTIMIZERS[options.optimizer](groups, options.lr)


def recipe(img_ch: int, size: int, width: int, *, sigma_data: float = 0.5) -> tuple[UNet, DDPM]:
    """Return the network and the maths that the lessons' results come from.

    Args:
        img_ch: channels of the pictures.
        size: side of the pictures in pixels.
        width: size of the condition, at least 1.
        sigma_data: standard deviation of the pictures.
    """
    small = size <= 16
    chs, stem = ((32, 64, 96), 1) if small else ((32, 64, 128), 2)
    network = UNet(1000, img_ch, size, chs, 128, width, blocks=1, stem=stem, attention=4)
    return network, edm_ddpm(cosine(1000), sigma_data)


def edm_ddpm(schedule: NoiseSchedule, sigma_data: float = 0.5) -> DDPM:
    """Return v prediction with the weights and noise levels of EDM (Karras et al. 2022)."""
    return DDPM(
        schedule,
        parameterization="v",
        weighting="edm",
        noise_levels="lognormal",
        sigma_data=sigma_data,
        level_options={"p_mean": -0.4 if sigma_data > 0.5 else -0.6, "p_std": 1.2},
    )


@torch.no_grad()
def heldout_errors(
    network: nn.Module, ddpm: DDPM, pixels: Tensor, conditions: Tensor | None = None, seed: int = 99
) -> Tensor:
    """Return the error (n,) of each held-out picture at a fixed timestep and noise of its own.

    Two networks with the same schedule and the same seed are compared picture by picture.
    """
    draws = torch.Generator().manual_seed(seed)
    x_0, n = to_float(pixels), len(pixels)
    t = ddpm.draw_timesteps(n, draws)
    eps = torch.randn(x_0.shape, generator=draws)
    c = torch.zeros(n, getattr(network, "c_embed_dim", 1)) if conditions is None else conditions
    return ddpm.errors(cast(Denoiser, network), x_0, t, c, torch.ones(n, 1), eps)
