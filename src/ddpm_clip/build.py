"""Build objects from a config: schedule, DDPM, denoiser, embedder, bridge options.

This is the only place where names in a config become objects; the objects themselves receive plain
arguments, never the config.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ddpm_clip.conditioning.conditioner import BridgeOptions
from ddpm_clip.config.schema import (
    ConditioningConfig,
    Config,
    DiffusionConfig,
    EmbedderConfig,
    ModelConfig,
)
from ddpm_clip.diffusion.schedules import (
    NOISE_LEVELS,
    SCHEDULES,
    NoiseSchedule,
    with_zero_terminal_snr,
)
from ddpm_clip.embedders import EMBEDDERS
from ddpm_clip.errors import UsageError
from ddpm_clip.models import DDPM, DENOISERS
from ddpm_clip.models.scale_conditioned import ScaleConditioned
from ddpm_clip.types import Embedder
from ddpm_clip.utils.device import physical_memory, pick_device
from ddpm_clip.utils.resizing import AnySize, Size
from ddpm_clip.utils.tensors import skeleton
from ddpm_clip.weights import shipped_folder

EMBEDDER_FOLDER = "embedder"
"""The folder in which a run or a packed model keeps its own mini-CLIP."""

DEVICES = ("cpu", "cuda", "mps")
"""The supported device types."""


def usable_device(name: str) -> torch.device:
    """Return the requested device.

    Raises:
        UsageError: It is not supported, or this machine does not have it.
    """
    try:
        device = pick_device(name)
        torch.empty(0, device=device)
        found, why = device.type in DEVICES, f"{device.type} is not supported"
    except (AssertionError, RuntimeError) as error:
        found, why = False, str(error).split("\n")[0][:100]
    if not found:
        fix = f"choose from: auto, {', '.join(DEVICES)}"
        raise UsageError(f"device {name!r} cannot be used here", why, fix, param="device")
    return device


def build_schedule(config: DiffusionConfig) -> NoiseSchedule:
    """Build the noise schedule of a config."""
    make = SCHEDULES[config.schedule]
    betas = _those_of(make, beta_start=config.beta_start, beta_end=config.beta_end)
    schedule = make(config.timesteps, **betas)
    if not config.zero_terminal_snr:
        return schedule
    if config.parameterization == "eps":
        raise UsageError(
            "zero terminal SNR cannot be combined with parameterization eps",
            "the last timestep is pure noise, where x_0 cannot be computed from eps",
            "choose v or x_0: --set diffusion.parameterization=v",
            param="diffusion.parameterization",
        )
    return with_zero_terminal_snr(schedule)


def build_ddpm(
    config: DiffusionConfig, device: torch.device | str = "cpu", calls: Sequence[float] = ()
) -> DDPM:
    """Build the diffusion process: schedule, target, loss weighting; `calls` of few-call models."""
    levels = _those_of(NOISE_LEVELS[config.noise_levels], p_mean=config.p_mean, p_std=config.p_std)
    return DDPM(
        build_schedule(config),
        device,
        parameterization=config.parameterization,
        weighting=config.weighting,
        noise_levels=config.noise_levels,
        sigma_data=config.sigma_data,
        level_options=levels,
        calls=calls,
    )


def build_denoiser(
    config: ModelConfig, *, T: int, img_ch: int, img_size: AnySize, c_embed_dim: int
) -> nn.Module:
    """Build the denoiser; options that its architecture does not have are ignored.

    Raises:
        UsageError: Its sizes do not fit each other, or the network does not fit into memory.
    """
    arch = DENOISERS[config.arch]
    options = config.model_dump(exclude={"arch", "down_chs", "t_embed_dim"})
    make: Callable[[], nn.Module] = partial(
        arch,
        T,
        img_ch,
        Size.of(img_size).plain,  # an int for squares, which is all that some networks know
        config.down_chs,
        config.t_embed_dim,
        c_embed_dim,
        **_those_of(arch, **options),
    )
    if torch.get_default_device().type != "meta":
        _check_room(make)
    return make()


def build_network(config: Config, c_embed_dim: int) -> nn.Module:
    """Build the network of a whole config: the denoiser, which a few-call model tells the scale.

    Raises:
        UsageError: As `build_denoiser`.
    """
    network = build_denoiser(
        config.model,
        T=config.diffusion.timesteps,
        img_ch=config.data.channels,
        img_size=config.data.image_size,
        c_embed_dim=c_embed_dim,
    )
    return ScaleConditioned(network) if config.distillation.levels else network


def unused(config: Config) -> dict[str, list[str]]:
    """Return the keys that the chosen schedule, noise levels and network do not take, by choice."""
    own = config.diffusion, config.model
    network = own[1].model_dump(exclude={"arch", "down_chs", "t_embed_dim"})
    chosen: dict[str, tuple[Callable[..., object], dict[str, Any]]] = {
        "diffusion.schedule": (
            SCHEDULES[own[0].schedule],
            {"beta_start": own[0].beta_start, "beta_end": own[0].beta_end},
        ),
        "diffusion.noise_levels": (
            NOISE_LEVELS[own[0].noise_levels],
            {"p_mean": own[0].p_mean, "p_std": own[0].p_std},
        ),
        "model.arch": (DENOISERS[own[1].arch], network),
    }
    return {
        choice: [f"{choice.partition('.')[0]}.{name}" for name in options if name not in taken]
        for choice, (make, options) in chosen.items()
        if (taken := _those_of(make, **options).keys()) != options.keys()
    }


def _check_room(make: Callable[[], nn.Module]) -> None:
    """Check that a network fits into this machine's memory, before allocating it."""
    why = "its number of weights overflows"
    try:
        need = sum(4 * parameter.numel() for parameter in skeleton(make).parameters())
        if need <= physical_memory():
            return
        why = f"its weights alone take {need / 2**30:,.0f} GiB, and this machine has less"
    except UsageError:
        raise
    except ValueError as error:
        why = f"{why} ({error})"
    raise UsageError(
        "this network is too large", why, "choose smaller model.down_chs", param="model.down_chs"
    )


def build_embedder(
    config: EmbedderConfig,
    *,
    classes: tuple[str, ...] = (),
    home: Path | None = None,
    device: torch.device | str = "cpu",
) -> Embedder:
    """Build the embedder of a config; its opener receives those options below that it accepts.

    Args:
        config: Its name must be resolved, not `auto`. It provides the opener's `batch_size` and,
            if it names one, `model`.
        classes: Class names of the data source, for openers that take `classes`.
        home: A run or packed model, whose own mini-CLIP takes precedence over `config.model`; for
            openers that take `folder`.
        device: Where it computes, for openers that take `device`.
    """
    device = usable_device(str(device))
    opener = EMBEDDERS[config.name]
    options = {"device": device, "batch_size": config.batch_size, "classes": classes}
    options |= {"model": config.model} if config.model else {}
    if "folder" in inspect.signature(opener).parameters:
        options["folder"] = mini_clip_folder(config.model, home)
    embedder: Embedder = opener(**_those_of(opener, **options))
    return embedder


def _those_of(make: Callable[..., object], **options: Any) -> dict[str, Any]:
    """Return those options that a callable has parameters for."""
    known = inspect.signature(make).parameters
    return {name: value for name, value in options.items() if name in known}


def mini_clip_folder(model: str | None, home: Path | None = None) -> Path:
    """Return the folder of a mini-CLIP: a run's own, a shipped model's, or a path."""
    if home is not None and (home / EMBEDDER_FOLDER).is_dir():
        return home / EMBEDDER_FOLDER
    if model is None:
        raise UsageError(
            "embedder mini_clip needs a model",
            "it has no default model",
            "name one: --set embedder.model=digits, or a folder",
            param="embedder.model",
        )
    root = shipped_folder(model) or Path(model)
    inner = root / EMBEDDER_FOLDER
    return inner if inner.is_dir() else root


def bridge_options(config: ConditioningConfig) -> BridgeOptions:
    """Return the bridge options of a config."""
    return BridgeOptions(
        config.bridge,
        config.text_noise,
        config.knn_k,
        config.knn_tau,
        config.knn_beta,
        config.prior_truncation,
        config.noise_max if config.noise_prob > 0 else 0.0,
    )
