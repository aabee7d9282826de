"""Pretrained CLIP and SigLIP models as an embedder.

Knows nothing of where the files come from (`hub`) nor of how they are opened
(`transformers_loading`).
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
from ddpm_clip.errors import UsageError
from ddpm_clip.types import Item
from ddpm_clip.utils.device import pick_device, pick_dtype
from ddpm_clip.utils.untrusted import user_path

if TYPE_CHECKING:
    from PIL.Image import Image

DEFAULT = "openai/clip-vit-base-patch32"


class TransformersClip:
    """An embedder (`ddpm_clip.types.Embedder`) over a pretrained model; open one with `load`.

    Args:
        name: what the model is called in caches and runs.
        family: `clip` or `siglip`.
        model: the network, with `get_image_features` and `get_text_features`.
        processor: turns PIL pictures into the network's pixels.
        tokenizer: turns words into ids.
        fingerprint: of the files behind `model` and `processor`.
        batch_size: pictures or texts encoded at once.
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
            dtype: `auto` (bfloat16 where the device computes it fast), `float32`, `bfloat16`.
            batch_size: pictures or texts encoded at once.

        Raises:
            WeightsUnavailable: neither on this disk nor downloadable now.
            MissingInput: no such folder. UsageError: a model of another family, a bad option.
            DataError: the files are incomplete or damaged.
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
        # A folder's path says who works where; its own name is enough in caches and runs.
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
        """(b, dim) of the items' pictures."""
        return self.embed_images([item.image for item in items])

    @torch.no_grad()
    def embed_images(self, images: "Sequence[Image]") -> Tensor:
        """(b, dim), by the processor that the model was published with."""
        rows = [torch.empty(0, self.dim, device=self._model.device)]
        for i in range(0, len(images), self.batch_size):
            rows.append(self._encode(self._levels(self._pixels(images[i : i + self.batch_size]))))
        return torch.cat(rows)

    def ready(self, item: Item) -> Tensor:
        """(3, height, width) in bytes, resized by the processor that the model came with."""
        return self._pixels([item.image])[0]

    @torch.no_grad()
    def embed_ready(self, x: Tensor) -> Tensor:
        """(b, dim) from the stacked pixels of `ready`."""
        rows = [torch.empty(0, self.dim, device=self._model.device)]
        rows += [self._encode(self._levels(part)) for part in torch.split(x, self.batch_size)]
        return torch.cat(rows)

    def embed_pixels(self, x: Tensor) -> Tensor:
        """(b, dim) from x (b, c, h, w) in [-1, 1]; gradients reach x."""
        if x.ndim != 4 or x.shape[1] not in (1, 3):
            raise UsageError(f"pixels must be (b, 1 or 3, h, w), not {tuple(x.shape)}")
        return self._encode(self._pixel_path(x))

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """(p, dim); a prompt beyond the model's length is cut, with a warning that names it."""
        rows = [torch.empty(0, self.dim, device=self._model.device)]
        for i in range(0, len(texts), self.batch_size):
            ids = self._tokenise(list(texts[i : i + self.batch_size]))
            rows.append(_unit(self._model.get_text_features(**ids)))
        return torch.cat(rows)

    def prompt_bank(self) -> list[str]:
        """Everyday captions, for the mean of the texts."""
        return prompt_bank()

    def _pixels(self, images: "Sequence[Image]") -> Tensor:
        pictures = [image.convert("RGB") for image in images]
        # Bytes are a quarter of what has to be handed on, and are normalised by the batch.
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
        """Ids on the model's device; SigLIP was trained on lower case padded to full length."""
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
                    f"the prompt {text[:60]!r}… has {len(ids)} tokens; {self.name} reads the first "
                    f"{self._length} and not the rest",
                    stacklevel=4,
                )


def _unit(features: Any) -> Tensor:
    """Unit rows in float32; transformers 5 wraps the projected embedding in an output object."""
    embedding: Tensor = features if isinstance(features, Tensor) else features.pooler_output
    return F.normalize(embedding.float(), dim=-1)


def _dim_of(config: Any) -> int:
    """CLIP projects to `projection_dim`, SigLIP to `projection_size` or the width of the text."""
    for owner, key in ((config, "projection_dim"), (config.text_config, "projection_size")):
        if getattr(owner, key, None):
            return int(getattr(owner, key))
    return int(config.text_config.hidden_size)
