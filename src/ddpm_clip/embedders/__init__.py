"""Encoders that map pictures and words into one space.

- `hub`: finds or downloads the folder of a pretrained CLIP or SigLIP
- `labels`: one-hot embeddings of class names, for class-conditional models without a CLIP
- `legacy_clip`: the small CLIP of an earlier project, for imported weights
- `mini_clip`: a CLIP small enough to train in a minute
- `pixel_path`: differentiable preprocessing for a pretrained encoder
- `pretrained/`: which pretrained models are known, and whether one is what it should be
- `prompt_bank`: everyday captions, from which a pretrained encoder's mean text is computed
- `prompts`: validates prompts
- `texts`: caches text embeddings, so that equal texts get equal embeddings
- `tokenizer`: the character tokenizer of the mini-CLIP
- `towers`: image and text encoders of the mini-CLIP, in two architectures each
- `transformers_clip`: pretrained CLIP and SigLIP models as embedders
- `transformers_loading`: loads a pretrained CLIP or SigLIP with the transformers package

Each entry of `EMBEDDERS` is a function that opens an embedder and imports what it needs.
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
    """Open a pretrained CLIP or SigLIP, from a hub id or a folder in the Hugging Face layout."""
    from ddpm_clip.embedders.transformers_clip import TransformersClip

    return TransformersClip.load(model, device=device, dtype=dtype, batch_size=batch_size)


def open_mini_clip(folder: str | Path, *, device: str = "cpu") -> Embedder:
    """Open a mini-CLIP from the folder that `train-clip` wrote."""
    from ddpm_clip.embedders.mini_clip import MiniClip

    return MiniClip.load(folder, device)


def open_legacy_clip(folder: str | Path, *, device: str = "cpu") -> Embedder:
    """Open the CLIP that came with imported weights of an earlier project."""
    from ddpm_clip.embedders.legacy_clip import LegacyClip

    return LegacyClip.load(folder, device)


def open_labels(classes: Sequence[str]) -> Embedder:
    """Open an embedder of class names as one-hot vectors."""
    from ddpm_clip.embedders.labels import Labels

    return Labels(classes)


EMBEDDERS: Registry[Callable[..., Any]] = Registry(
    "embedder",
    {
        "transformers_clip": open_transformers_clip,
        "mini_clip": open_mini_clip,
        "labels": open_labels,
        "legacy_clip": open_legacy_clip,
    },
)
"""Maps a name to a function that opens a `ddpm_clip.types.Embedder`."""

__all__ = ["EMBEDDERS", "open_labels", "open_mini_clip", "open_transformers_clip"]
