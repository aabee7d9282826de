"""Config keys of the earlier projects, mapped to today's keys.

Their config files were flat in one version and nested in another; both are read. A key without a
meaning today is ignored with a warning.
"""

from collections.abc import Mapping
from typing import Any

from ddpm_clip.errors import ConfigError

ALIASES = {
    "img_size": "data.image_size",
    "img_channels": "data.channels",
    "img_ch": "data.channels",
    "timesteps": "diffusion.timesteps",
    "beta_start": "diffusion.beta_start",
    "beta_end": "diffusion.beta_end",
    "epochs": "training.epochs",
    "batch_size": "training.batch_size",
    "learning_rate": "training.lr",
    "lr": "training.lr",
    "c_drop_prob": "conditioning.c_drop_prob",
    "down_channels": "model.down_chs",
    "down_chs": "model.down_chs",
    "t_embed_dim": "model.t_embed_dim",
    "clip_model": "embedder.model",
    "clip.model_name": "embedder.model",
    "data_paths": "data.source",
    "data_dir": "data.source",
    "dataset_root": "data.source",
    "max_samples": "data.max_samples",
    "random_seed": "training.seed",
    "seed": "training.seed",
    "device": "training.device",
    "text_prompts": "generation.prompts",
    "guidance_weights": "generation.grid_guidance",
}
"""Key -> dotted key. A name with its section takes precedence over the bare name."""

IGNORED = {
    "c_embed_dim": "it follows from the embedder",
    "features": "it follows from the embedder",
    "model_name": "the run folder is the name",
    "save_frequency": "use training.checkpoint_every, which counts steps",
    "delete_old_checkpoints": "use training.keep_last",
    "lr_scheduler": "use training.decay and training.final_lr",
    "ema": "EMA weights are always kept; training.ema_sigma_rel is the width of the average",
    "dataset_type": "use data.source",
    "use_train": "the train split is used",
    "use_val": "the train split is used",
    "preprocessed_clip": "embeddings are always stored",
    "clip_csv_path": "embeddings are stored in the run",
    "save_dir": "everything is written to the run folder, --out",
    "checkpoint_dir": "everything is written to the run folder, --out",
}
"""Keys without a meaning today, and why."""

SECTIONS = ("clip", "paths")
"""Their sections that do not exist today."""

OPENAI_NAMES = {
    "ViT-B/32": "openai/clip-vit-base-patch32",
    "ViT-B/16": "openai/clip-vit-base-patch16",
    "ViT-L/14": "openai/clip-vit-large-patch14",
    "ViT-L/14@336px": "openai/clip-vit-large-patch14-336",
}
"""Model names of OpenAI's CLIP package -> hub ids."""


def placed(key: str, known: Mapping[str, str]) -> str | None:
    """Return the dotted key that `key` stands for; None if it has no meaning today.

    Args:
        key: Such as `training.lr`, `learning_rate` or `training.learning_rate`.
        known: Today's dotted keys; they take precedence over any alias.
    """
    section, _, name = key.rpartition(".")
    if key in known:
        return key
    if section and section not in SECTIONS and not any(k.startswith(f"{section}.") for k in known):
        return key  # a mistyped section must be an error, so do not look for an alias
    for spelling in (key, name):
        if spelling in ALIASES:
            return ALIASES[spelling]
    return None if name in IGNORED else key


def translated(key: str, value: Any) -> Any:
    """Convert the value of a legacy key to the form that today's key expects.

    Raises:
        ConfigError: It has several places of pictures.
    """
    name = key.rpartition(".")[2]
    if name in ("clip_model", "model_name") and isinstance(value, str):
        return OPENAI_NAMES.get(value, value)
    if name == "data_paths" and isinstance(value, list):
        if len(value) > 1:
            raise ConfigError(
                f"data_paths lists {len(value)} places, but a run has one source",
                "the others would be left out",
                "put their pictures below one folder (each folder in it becomes a class), or "
                "name one place",
                param="data.source",
            )
        return value[0] if value else None
    if name == "guidance_weights" and isinstance(value, list):
        numbers = all(isinstance(w, int | float) for w in value)
        return (
            [1 + w for w in value] if numbers else value
        )  # legacy values are weights w; ours are scales s = 1 + w
    return value
