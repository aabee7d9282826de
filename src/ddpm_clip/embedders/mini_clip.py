"""A CLIP small enough to train in a minute: an image encoder and a character-level text encoder.

It learns from pairs of pictures and captions (`ddpm_clip.training.clip.contrastive`); this file has
the model, its losses, and saving and loading.
"""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.embedders.tokenizer import PAD, tokenise
from ddpm_clip.embedders.towers import IMAGE_TOWERS, LENGTH, TEXT_TOWERS
from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.types import Item
from ddpm_clip.utils.resizing import AnySize, Size
from ddpm_clip.utils.storage import sha256, write_text
from ddpm_clip.utils.tensors import (
    check_weights,
    from_picture,
    load_tensors,
    save_tensors,
    stack_pictures,
    to_float,
)
from ddpm_clip.utils.untrusted import read_object

if TYPE_CHECKING:
    from PIL.Image import Image

WEIGHTS, CARD = "mini_clip.safetensors", "mini_clip.json"
GROUPS = 5
"""Number of groups of texts of similar length, which are encoded one after the other."""


class MiniClip(nn.Module):
    """A small CLIP as an embedder (`ddpm_clip.types.Embedder`).

    Args:
        img_ch: Channels of the pictures, 1 or 3.
        img_size: Side in pixels to which pictures are resized, or (height, width).
        dim: Size of the embedding, 2 to 512.
        width: Channels of the first convolution, a multiple of 8.
        text_width: Width of the text tower, below 64 or a multiple of 32.
        max_inverse_temperature: Upper limit of the learned 1/T; above 30 the modality gap grows
            without any benefit (Liang et al. 2022, table 1).
        image_tower: A name in `IMAGE_TOWERS`.
        text_tower: A name in `TEXT_TOWERS`.
    """

    def __init__(
        self,
        img_ch: int = 3,
        img_size: AnySize = 32,
        dim: int = 64,
        width: int = 48,
        text_width: int = 128,
        max_inverse_temperature: float = 30.0,
        image_tower: str = "convolutions",
        text_tower: str = "attention",
    ):
        super().__init__()
        if not 2 <= dim <= 512:
            raise UsageError(f"embedder.dim = {dim} must be in 2 … 512", param="embedder.dim")
        if width % 8:
            raise UsageError(
                f"embedder.width = {width} must be a multiple of 8", param="embedder.width"
            )
        if text_width % max(1, text_width // 32):  # one attention head per 32 channels
            raise UsageError(
                f"embedder.text_width = {text_width} cannot be split into attention heads",
                fix="choose a multiple of 32",
                param="embedder.text_width",
            )
        self.options = {
            "img_ch": img_ch,
            "img_size": Size.of(img_size).plain,
            "dim": dim,
            "width": width,
            "text_width": text_width,
            "max_inverse_temperature": max_inverse_temperature,
            "image_tower": image_tower,
            "text_tower": text_tower,
        }
        self.name, self.dim, self.img_ch = "mini_clip", dim, img_ch
        self.img_size = Size.of(img_size)
        self.image = IMAGE_TOWERS[image_tower](img_ch, self.img_size.plain, width, dim)
        self.text = TEXT_TOWERS[text_tower](text_width, dim)
        self.log_inverse_temperature = nn.Parameter(torch.tensor(10.0).log())
        self.bias = nn.Parameter(torch.tensor(-10.0))  # used by the sigmoid loss only
        self.max_inverse_temperature = max_inverse_temperature
        self.fingerprint = "untrained"
        self.prompts: list[str] = []

    @property
    def inverse_temperature(self) -> Tensor:
        """1/T, learned and clamped to [1, max_inverse_temperature]."""
        return self.log_inverse_temperature.exp().clamp(1.0, self.max_inverse_temperature)

    def encode_pixels(self, x: Tensor) -> Tensor:
        """Return unit embeddings (b, dim) of x (b, c, h, w) in [-1, 1], any size, grey or RGB."""
        if x.shape[1] != self.img_ch:
            x = x.mean(1, keepdim=True) if self.img_ch == 1 else x.expand(-1, 3, -1, -1)
        if tuple(x.shape[-2:]) != self.img_size:
            x = F.interpolate(
                x, self.img_size, mode="bilinear", antialias=True, align_corners=False
            )
        return F.normalize(self.image(x), dim=1)

    def encode_texts(self, texts: Sequence[str], *, warn: bool = True) -> Tensor:
        """Return unit embeddings (p, dim), with gradients; `warn` of texts that are cut."""
        ids = tokenise(texts, LENGTH, warn=warn).to(self.bias.device)
        # Group texts by length, because each group is padded to its longest text.
        order = (ids != PAD).sum(1).argsort()
        groups = torch.split(order, max(32, -(-len(texts) // GROUPS)))
        found = torch.cat([self.text(ids[group]) for group in groups])
        return F.normalize(found[order.argsort()], dim=1)

    def embed_pixels(self, x: Tensor) -> Tensor:
        """Return embeddings (b, dim) as `encode_pixels` does, in float32; differentiable."""
        return self.encode_pixels(x.float())

    @torch.no_grad()
    def embed_images(self, images: "Sequence[Image]") -> Tensor:
        """Return embeddings (b, dim) of pictures, resized as in training."""
        x = stack_pictures(images, self.img_size, self.img_ch)
        return self.encode_pixels(x.to(self.bias.device))

    def embed_items(self, items: Sequence[Item]) -> Tensor:
        """Return embeddings (b, dim) of the items' pictures."""
        return self.embed_images([item.image for item in items])

    def ready(self, item: Item) -> Tensor:
        """Return the picture (c, h, w) uint8, resized as in training."""
        return from_picture(item.image, self.img_size, self.img_ch)

    @torch.no_grad()
    def embed_ready(self, x: Tensor) -> Tensor:
        """Return embeddings (b, dim) of x (b, c, h, w) uint8, bit-equal to `embed_items`."""
        return self.encode_pixels(to_float(x).to(self.bias.device))

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Return embeddings (p, dim), encoded in batches."""
        if not texts:
            return torch.empty(0, self.dim)
        chunks = [texts[i : i + 512] for i in range(0, len(texts), 512)]
        return torch.cat([self.encode_texts(chunk) for chunk in chunks])

    def prompt_bank(self) -> list[str]:
        """Return captions like those that this CLIP was trained on."""
        return list(self.prompts)

    def save(self, folder: str | Path, *, prompts: Sequence[str], card: dict[str, Any]) -> None:
        """Write the weights (fp16), the prompt bank and the card with facts about the training."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_tensors(folder / WEIGHTS, {k: v.half() for k, v in self.state_dict().items()})
        text = {"format": 1, "options": self.options, "prompts": list(prompts), "card": card}
        write_text(folder / CARD, json.dumps(text, indent=1, ensure_ascii=False))

    @classmethod
    def load(cls, folder: str | Path, device: torch.device | str = "cpu") -> "MiniClip":
        """Open a folder that `save` wrote.

        Raises:
            MissingInput: The folder or a file is missing.
            DataError: The files are damaged or do not match.
        """
        folder = Path(folder)
        absent = [name for name in (CARD, WEIGHTS) if not (folder / name).is_file()]
        if absent:
            raise MissingInput(
                f"no mini-CLIP in {folder}",
                f"{absent[0]} is missing",
                "train one: ddpm-clip train-clip SOURCE --out FOLDER",
            )
        try:
            text, weights = read_object(folder / CARD), load_tensors(folder / WEIGHTS)
            make = partial(cls, **text["options"])
            check_weights(make, weights)  # before building: the card may state absurd sizes
            model = make()
            model.load_state_dict(weights)
            model.prompts = [str(prompt) for prompt in text["prompts"]]
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise DataError(f"the mini-CLIP in {folder} is damaged", str(error)[:200]) from error
        model.fingerprint = sha256(folder / WEIGHTS)[:16]
        return model.to(device).eval()


def multi_positive_loss(image: Tensor, text: Tensor, fits: Tensor, clip: MiniClip) -> Tensor:
    """Return the cross-entropy in both directions, with every matching partner as a target.

    As in Khosla et al. 2020 (eq. 2): equal captions in a batch are not negatives of each other.

    Args:
        image: Unit image embeddings (b, e).
        text: Unit text embeddings (p, e); a text that matches no picture is a negative of all.
        fits: (b, p) bool: caption j is true of picture i; every picture has a matching caption.
        clip: The CLIP, for its temperature.
    """
    logits = clip.inverse_temperature * image @ text.T
    wanted, matched = fits.float(), fits.any(0)

    def one_way(logits: Tensor, wanted: Tensor) -> Tensor:
        return -(logits.log_softmax(1) * wanted).sum(1).div(wanted.sum(1)).mean()

    return (one_way(logits, wanted) + one_way(logits.T[matched], wanted.T[matched])) / 2


def sigmoid_loss(image: Tensor, text: Tensor, fits: Tensor, clip: MiniClip) -> Tensor:
    """Return the sigmoid loss of all pairs (Zhai et al. 2023, section 3.2); arguments as above."""
    logits = clip.inverse_temperature * image @ text.T + clip.bias
    signs = 2 * fits.float() - 1
    return -F.logsigmoid(signs * logits).sum() / len(image)


LOSSES = {"multi_positive": multi_positive_loss, "sigmoid": sigmoid_loss}
