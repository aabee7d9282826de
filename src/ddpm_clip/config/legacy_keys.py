"""Config keys of the earlier projects, and where their meaning lives now.

Their files were flat in one version and nested in another; both are read. A key whose meaning
has gone is passed over, but never in silence. Knows nothing of our own sections but their names.
"""

from collections.abc import Mapping
from typing import Any

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
"""Key -> dotted key. A name with a section in front goes before the bare name."""

IGNORED = {
    "c_embed_dim": "the embedder decides it",
    "features": "the embedder decides it",
    "model_name": "the run folder is the name",
    "save_frequency": "training.checkpoint_every counts steps",
    "delete_old_checkpoints": "training.keep_last says how many stay",
    "lr_scheduler": "training.decay and training.final_lr say how it falls",
    "ema": "the average is always kept; training.ema_sigma_rel is its width",
    "dataset_type": "data.source says it",
    "use_train": "the train split is used",
    "use_val": "the train split is used",
    "preprocessed_clip": "embeddings are always kept",
    "clip_csv_path": "embeddings lie in the run",
    "save_dir": "everything lies in the run folder, --out",
    "checkpoint_dir": "everything lies in the run folder, --out",
}
"""Keys that mean nothing any more, and why."""

SECTIONS = ("clip", "paths")
"""Sections of theirs that are none of ours."""

OPENAI_NAMES = {
    "ViT-B/32": "openai/clip-vit-base-patch32",
    "ViT-B/16": "openai/clip-vit-base-patch16",
    "ViT-L/14": "openai/clip-vit-large-patch14",
    "ViT-L/14@336px": "openai/clip-vit-large-patch14-336",
}
"""The names of the first CLIP package -> hub ids."""


def placed(key: str, known: Mapping[str, str]) -> str | None:
    """The dotted key that `key` means; None where it means nothing any more.

    Args:
        key: `training.lr`, `learning_rate` or `training.learning_rate`.
        known: our own dotted keys; they go before any alias.
    """
    section, _, name = key.rpartition(".")
    if key in known:
        return key
    if section and section not in SECTIONS and not any(k.startswith(f"{section}.") for k in known):
        return key  # a slip in the section must not be healed in silence
    for spelling in (key, name):
        if spelling in ALIASES:
            return ALIASES[spelling]
    return None if name in IGNORED else key


def translated(key: str, value: Any) -> Any:
    """The value of one of their keys in the form that ours has."""
    name = key.rpartition(".")[2]
    if name in ("clip_model", "model_name") and isinstance(value, str):
        return OPENAI_NAMES.get(value, value)
    if name == "data_paths" and isinstance(value, list):
        return value[0] if value else None
    if name == "guidance_weights" and isinstance(value, list):
        numbers = all(isinstance(w, int | float) for w in value)
        return (
            [1 + w for w in value] if numbers else value
        )  # theirs are weights w, ours scales s = 1 + w
    return value
