"""Encoders that put pictures and words into one space.

- `hub`: from a hub id or a folder to a folder on this disk that holds a CLIP or SigLIP
- `labels`: classes instead of pictures: one-hot embeddings, so that class-conditional models need
  no CLIP
- `legacy_clip`: the CLIP of the seed that trains its own: three convolutions, and an LSTM over
  characters
- `mini_clip`: a CLIP small enough to train in a minute: a CNN for pictures, a character tower for
  words
- `pixel_path`: the preprocessing of a pretrained encoder as torch operations that have gradients
- `prompt_bank`: everyday captions, for the mean of the texts of a pretrained encoder
- `prompts`: what may be asked in words: the one place where a prompt is judged
- `texts`: each text through the encoder once, however often it is asked for
- `tokenizer`: characters as tokens: every character has one, so no prompt can crash the text tower
- `towers`: the two sides of a mini-CLIP, each in two architectures: pictures -> vectors, words ->
  vectors
- `transformers_clip`: pretrained CLIP and SigLIP models as an embedder
- `transformers_loading`: opens the files of a pretrained CLIP or SigLIP with the transformers
  package

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


def open_legacy_clip(folder: str | Path, *, device: str = "cpu") -> Embedder:
    """The CLIP that came with imported weights."""
    from ddpm_clip.embedders.legacy_clip import LegacyClip

    return LegacyClip.load(folder, device)


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
        "legacy_clip": open_legacy_clip,
    },
)
"""Name -> opener. An opener returns a `ddpm_clip.types.Embedder`."""

__all__ = ["EMBEDDERS", "open_labels", "open_mini_clip", "open_transformers_clip"]
