"""Encoders that put pictures and words into one space.

Each entry is a small function that opens an embedder; what it needs is imported only then.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ddpm_clip.registry import Registry
from ddpm_clip.types import Embedder


def open_transformers_clip(
    model: str = "openai/clip-vit-base-patch32",
    *,
    device: str = "cpu",
    dtype: str = "auto",
    batch_size: int = 64,
) -> Embedder:
    """A pretrained CLIP or SigLIP: a hub id or a folder in the Hugging Face layout."""
    from ddpm_clip.embedders.transformers_clip import TransformersClip

    return TransformersClip.load(model, device=device, dtype=dtype, batch_size=batch_size)


def open_mini_clip(folder: str | Path, *, device: str = "cpu") -> Embedder:
    """A small CLIP of our own, from the folder that its training wrote."""
    from ddpm_clip.embedders.mini_clip import MiniClip

    return MiniClip.load(folder, device)


def open_seed_clip(folder: str | Path, *, device: str = "cpu") -> Embedder:
    """The CLIP that came with imported weights."""
    from ddpm_clip.embedders.seed_clip import SeedClip

    return SeedClip.load(folder, device)


def open_labels(classes: Sequence[str]) -> Embedder:
    """Class names as one-hot rows."""
    from ddpm_clip.embedders.labels import Labels

    return Labels(classes)


EMBEDDERS: Registry[Callable[..., Any]] = Registry(
    "embedder",
    {
        "transformers_clip": open_transformers_clip,
        "mini_clip": open_mini_clip,
        "labels": open_labels,
        "seed_clip": open_seed_clip,
    },
)
"""Name -> opener. An opener returns a `ddpm_clip.types.Embedder`."""

__all__ = ["EMBEDDERS", "open_labels", "open_mini_clip", "open_transformers_clip"]
