"""Pretrained CLIP and SigLIP models as embedders.

Their files are found by `hub` and loaded by `transformers_loading`.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.embedders.hub import family_of, find_folder, fingerprint_of
from ddpm_clip.embedders.pixel_path import PixelPath
from ddpm_clip.embedders.prompt_bank import prompt_bank
from ddpm_clip.embedders.transformers_loading import open_parts
from ddpm_clip.errors import TruncatedText, UsageError
from ddpm_clip.types import Item
from ddpm_clip.utils.device import pick_device, pick_dtype
from ddpm_clip.utils.untrusted import user_path

if TYPE_CHECKING:
    from PIL.Image import Image

DEFAULT = "openai/clip-vit-base-patch32"


class TransformersClip:
    """A pretrained model as an embedder (`ddpm_clip.types.Embedder`); opened by `load`.

    Args:
        name: Name of the model in caches and runs.
        family: `clip` or `siglip`.
        model: The network, with `get_image_features` and `get_text_features`.
        processor: Converts PIL pictures to the network's input.
        tokenizer: Converts texts to token ids.
        fingerprint: Hash of the files of `model` and `processor`.
        batch_size: Number of pictures or texts encoded at once.
    """

    def __init__(
        self,
        name: str,
        family: str,
        model: Any,
        processor: Any,
        tokenizer: Any,
        *,
        fingerprint: str,
        batch_size: int = 64,
    ):
        self.name, self.family, self.fingerprint = name, family, fingerprint
        self.batch_size = batch_size
        self._model, self._processor, self._tokenizer = model, processor, tokenizer
        self._pixel_path = PixelPath.like(processor)
        self._takes_bytes = bool(processor.do_rescale and processor.rescale_factor == 1 / 255)
        self._length = int(model.config.text_config.max_position_embeddings)
        self.dim = _dim_of(model.config)

    @classmethod
    def load(
        cls,
        model: str | Path = DEFAULT,
        *,
        device: str = "cpu",
        dtype: str = "auto",
        batch_size: int = 64,
    ) -> "TransformersClip":
        """Open a hub id or a folder in the Hugging Face layout.

        Args:
            model: `openai/clip-vit-base-patch32`, `google/siglip-base-patch16-224`, … or a folder.
            device: `auto`, `cpu`, `cuda` or `mps`.
            dtype: `auto` (bfloat16 if the device is fast at it), `float32` or `bfloat16`.
            batch_size: Number of pictures or texts encoded at once.

        Raises:
            WeightsUnavailable: The model is neither on this disk nor downloadable now.
            MissingInput: There is no such folder.
            UsageError: The model is of another family, or an option is invalid.
            DataError: The files are incomplete or damaged.
        """
        if dtype not in ("auto", "float32", "bfloat16"):
            raise UsageError(f"dtype {dtype!r} must be auto, float32 or bfloat16", param="dtype")
        if batch_size < 1:
            raise UsageError(
                f"batch size {batch_size} must be at least 1", param="embedder.batch_size"
            )
        folder = find_folder(str(model))
        family, place = family_of(folder), pick_device(device)
        parts = open_parts(folder, family)
        network = parts.model.to(place, pick_dtype(dtype, place))
        # The full path may be private; the folder's name is enough in caches and runs.
        is_local = user_path(model).is_dir()
        name = folder.resolve().name if is_local else str(model)
        return cls(
            f"transformers_clip:{name}",
            family,
            network,
            parts.processor,
            parts.tokenizer,
            fingerprint=fingerprint_of(folder),
            batch_size=batch_size,
        )

    def embed_items(self, items: Sequence[Item]) -> Tensor:
        """Return embeddings (b, dim) of the items' pictures."""
        return self.embed_images([item.image for item in items])

    @torch.no_grad()
    def embed_images(self, images: "Sequence[Image]") -> Tensor:
        """Return embeddings (b, dim), with the processor that belongs to the model."""
        rows = [torch.empty(0, self.dim, device=self._model.device)]
        for i in range(0, len(images), self.batch_size):
            rows.append(self._encode(self._levels(self._pixels(images[i : i + self.batch_size]))))
        return torch.cat(rows)

    def ready(self, item: Item) -> Tensor:
        """Return the picture (3, h, w) as bytes, resized by the model's processor."""
        return self._pixels([item.image])[0]

    @torch.no_grad()
    def embed_ready(self, x: Tensor) -> Tensor:
        """Return embeddings (b, dim) of the stacked pixels of `ready`."""
        rows = [torch.empty(0, self.dim, device=self._model.device)]
        rows += [self._encode(self._levels(part)) for part in torch.split(x, self.batch_size)]
        return torch.cat(rows)

    def embed_pixels(self, x: Tensor) -> Tensor:
        """Return embeddings (b, dim) of x (b, c, h, w) in [-1, 1]; differentiable."""
        if x.ndim != 4 or x.shape[1] not in (1, 3):
            raise UsageError(f"pixels must be (b, 1 or 3, h, w), not {tuple(x.shape)}")
        return self._encode(self._pixel_path(x))

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Return embeddings (p, dim); a prompt that is too long is cut with a warning."""
        rows = [torch.empty(0, self.dim, device=self._model.device)]
        for i in range(0, len(texts), self.batch_size):
            ids = self._tokenise(list(texts[i : i + self.batch_size]))
            rows.append(_unit(self._model.get_text_features(**ids)))
        return torch.cat(rows)

    def prompt_bank(self) -> list[str]:
        """Return everyday captions, from which the mean text is computed."""
        return prompt_bank()

    def _pixels(self, images: "Sequence[Image]") -> Tensor:
        pictures = [image.convert("RGB") for image in images]
        # Bytes take a quarter of the memory; they are normalised later, a batch at a time.
        kept = {"do_rescale": False, "do_normalize": False} if self._takes_bytes else {}
        pixels: Tensor = self._processor(images=pictures, return_tensors="pt", **kept)[
            "pixel_values"
        ]
        return pixels

    def _levels(self, pixels: Tensor) -> Tensor:
        return self._pixel_path.levels(pixels) if self._takes_bytes else pixels

    def _encode(self, pixels: Tensor) -> Tensor:
        pixels = pixels.to(self._model.device, self._model.dtype)
        return _unit(self._model.get_image_features(pixel_values=pixels))

    def _tokenise(self, texts: list[str]) -> dict[str, Tensor]:
        """Return ids on the model's device; SigLIP needs lower case, padded to full length."""
        siglip = self.family == "siglip"
        texts = [text.lower() for text in texts] if siglip else texts
        self._warn_of_long(texts)
        ids = self._tokenizer(
            texts,
            padding="max_length" if siglip else True,
            truncation=True,
            max_length=self._length,
            return_tensors="pt",
        )
        wanted = ["input_ids"] if siglip else ["input_ids", "attention_mask"]
        return {key: ids[key].to(self._model.device) for key in wanted}

    def _warn_of_long(self, texts: list[str]) -> None:
        whole = self._tokenizer(texts, verbose=False)["input_ids"]
        for text, ids in zip(texts, whole, strict=True):
            if len(ids) > self._length:
                warnings.warn(
                    f"the prompt {text[:60]!r}… has {len(ids)} tokens; {self.name} reads only the "
                    f"first {self._length}",
                    TruncatedText,
                    stacklevel=4,
                )


def _unit(features: Any) -> Tensor:
    """Return unit float32 embeddings; transformers 5 wraps them in an output object."""
    embedding: Tensor = features if isinstance(features, Tensor) else features.pooler_output
    return F.normalize(embedding.float(), dim=-1)


def _dim_of(config: Any) -> int:
    """Return the embedding size, which CLIP and SigLIP configs name differently."""
    for owner, key in ((config, "projection_dim"), (config.text_config, "projection_size")):
        if getattr(owner, key, None):
            return int(getattr(owner, key))
    return int(config.text_config.hidden_size)
