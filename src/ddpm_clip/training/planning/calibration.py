"""How long one optimisation step of a config takes on this machine, measured on random pictures."""

import time
from collections.abc import Callable
from typing import cast

import torch

from ddpm_clip.build import build_ddpm, build_denoiser, usable_device
from ddpm_clip.config.schema import Config
from ddpm_clip.training.steps.state import TrainState
from ddpm_clip.types import Denoiser
from ddpm_clip.utils.cpu_threads import config_threads
from ddpm_clip.utils.device import pick_dtype

CONDITION = 64
"""Size of the condition: the embedder is not known yet, and it hardly matters for the time."""

FEWEST = 3
"""Steps that are timed at least, after one that warms up."""


def seconds_per_step(
    config: Config,
    budget: float,
    processes: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Return the duration of one step: the median of those that fit into `budget` seconds.

    Args:
        config: network, size, batch and number type.
        budget: seconds for the measurement; a slow step is measured all the same.
        processes: processes that share a batch.
        clock: returns seconds.
    """
    device = usable_device(config.training.device)
    config_threads(config.training.threads)
    before = torch.get_rng_state()
    try:
        step = _step_of(config, max(1, config.training.batch_size // processes), device)
        start = clock()
        step()
        durations: list[float] = []
        while not durations or clock() - start < budget or len(durations) < FEWEST:
            began = clock()
            step()
            durations.append(clock() - began)
            if durations[-1] > budget:
                break
    finally:
        torch.set_rng_state(before)
    return sorted(durations)[len(durations) // 2]


def _step_of(config: Config, b: int, device: torch.device) -> Callable[[], None]:
    """Return a function that does one whole step and waits for the device."""
    options, size = config.training, config.data.image_size
    torch.manual_seed(0)
    model = build_denoiser(
        config.model,
        T=config.diffusion.timesteps,
        img_ch=config.data.channels,
        img_size=size,
        c_embed_dim=CONDITION,
    ).to(device)
    x_0 = torch.randn(b, config.data.channels, *size, device=device)
    if options.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        x_0 = x_0.contiguous(memory_format=torch.channels_last)
    state = TrainState.start(model, options)
    ddpm, dtype = build_ddpm(config.diffusion, device), pick_dtype(options.dtype, device)
    c = torch.randn(b, CONDITION, device=device)
    t = ddpm.draw_timesteps(b, torch.Generator().manual_seed(0))

    def step() -> None:
        state.optimizer.zero_grad()
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            loss = ddpm.get_loss(cast(Denoiser, model), x_0, t, c)
        loss.backward()
        state.scale.clipped(model.parameters(), options.clip)
        state.finish_step(options.lr)
        loss.item()  # waits for the device

    return step
