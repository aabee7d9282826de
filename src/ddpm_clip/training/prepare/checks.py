"""Judges a config before any long work: its names, how its parts fit, and what has no effect."""

import warnings
from collections.abc import Mapping

import torch

from ddpm_clip.build import build_ddpm, build_denoiser, unused, usable_device
from ddpm_clip.config.schema import Config
from ddpm_clip.data.pictures.images import colour
from ddpm_clip.data.sources import check_name
from ddpm_clip.embedders import EMBEDDERS
from ddpm_clip.embedders.prompts import checked_prompts
from ddpm_clip.embedders.towers import IMAGE_TOWERS, TEXT_TOWERS
from ddpm_clip.errors import DdpmClipWarning, UsageError
from ddpm_clip.generation.settings import settings_of
from ddpm_clip.training.distillation.methods import METHODS
from ddpm_clip.training.steps.optimizers import OPTIMIZERS
from ddpm_clip.training.trackers import check_trackers


def check_parts(config: Config) -> None:
    """Raise what device, network, optimiser, tracker or sample grids would raise later, at no cost.

    Raises:
        UsageError: A name is unknown, or the parts do not fit each other.
    """
    if config.distillation.levels:
        raise UsageError(
            "a distilled model is not trained like others",
            "distillation.levels is set, which `distill` writes",
            "ddpm-clip distill MODEL --out FOLDER, and `resume` to go on",
            param="distillation.levels",
        )
    own, bridge = config.generation, config.conditioning.bridge
    settings_of(own, config.diffusion.timesteps, bridge=None if bridge == "auto" else bridge)
    if own.prompts:
        checked_prompts(own.prompts)
    if config.training.lr == 0:
        warnings.warn("training.lr = 0: the weights will not change", DdpmClipWarning, stacklevel=2)
    usable_device(config.training.device)
    OPTIMIZERS[config.training.optimizer]
    check_trackers(config.training.track)
    build_ddpm(config.diffusion)
    if config.embedder.name != "auto":
        EMBEDDERS[config.embedder.name]
    IMAGE_TOWERS[config.embedder.image_tower]
    TEXT_TOWERS[config.embedder.text_tower]
    METHODS[config.distillation.method]
    colour(config.data.background)
    if config.data.source is not None:
        check_name(config.data.source)
    with torch.device("meta"):  # shapes only
        build_denoiser(
            config.model,
            T=config.diffusion.timesteps,
            img_ch=config.data.channels,
            img_size=config.data.image_size,
            c_embed_dim=1,
        )


def warn_of_unused(config: Config, origins: Mapping[str, str]) -> None:
    """Warn of keys that somebody set, but that the chosen schedule or network does not have.

    Args:
        config: The config.
        origins: Where each key that is not a default comes from, as `resolve` returns it.
    """
    for choice, keys in unused(config).items():
        given = [key for key in keys if not origins.get(key, "preset").startswith("preset")]
        if given:
            section, _, name = choice.partition(".")
            warnings.warn(
                f"{', '.join(given)} (from {origins[given[0]]}) have no effect with "
                f"{choice} = {getattr(getattr(config, section), name)}",
                DdpmClipWarning,
                stacklevel=2,
            )
