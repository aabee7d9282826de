"""A CLIP small enough to train in a minute: a CNN for pictures, a character tower for words.

Learns from pairs of pictures and captions (`ddpm_clip.training.clip.contrastive`); here is only the
model, its losses and its folder. Knows nothing of data sources or diffusion.
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
"""Groups of texts of like length that are encoded one after the other."""


class MiniClip(nn.Module):
    """An embedder (`ddpm_clip.types.Embedder`) of our own.

    Args:
        img_ch: 1 or 3.
        img_size: side to which pictures are resized.
        dim: size of the embedding, 2 to 512.
        width: channels of the first convolution, a multiple of 8.
        text_width: width of the text tower, below 64 or a multiple of 32.
        max_inverse_temperature: the learned 1/T never passes it; above 30 the modality gap
            grows and nothing else does (Liang et al. 2022, table 1).
        image_tower: a name in `IMAGE_TOWERS`.
        text_tower: a name in `TEXT_TOWERS`.
    """

    def __init__(
        self,
        img_ch: int = 3,
        img_size: int = 32,
        dim: int = 64,
        width: int = 48,
        text_width: int = 128,
        max_inverse_temperature: float = 30.0,
        image_tower: str = "convolutions",
        text_tower: str = "attention",
    ):
        super().__init__()
        if not 2 <= dim <= 512:
            raise UsageError(f"embedder.dim = {dim} must lie in 2 … 512", param="embedder.dim")
        if width % 8:
            raise UsageError(
                f"embedder.width = {width} must be a multiple of 8", param="embedder.width"
            )
        if text_width % max(1, text_width // 32):  # one attention head for 32 channels
            raise UsageError(
                f"embedder.text_width = {text_width} cannot be split into attention heads",
                fix="choose a multiple of 32",
                param="embedder.text_width",
            )
        self.options = {
            "img_ch": img_ch,
            "img_size": img_size,
            "dim": dim,
            "width": width,
            "text_width": text_width,
            "max_inverse_temperature": max_inverse_temperature,
            "image_tower": image_tower,
            "text_tower": text_tower,
        }
        self.name, self.dim, self.img_ch, self.img_size = "mini_clip", dim, img_ch, img_size
        self.image = IMAGE_TOWERS[image_tower](img_ch, img_size, width, dim)
        self.text = TEXT_TOWERS[text_tower](text_width, dim)
        self.log_inverse_temperature = nn.Parameter(torch.tensor(10.0).log())
        self.bias = nn.Parameter(torch.tensor(-10.0))  # of the sigmoid loss only
        self.max_inverse_temperature = max_inverse_temperature
        self.fingerprint = "untrained"
        self.prompts: list[str] = []

    @property
    def inverse_temperature(self) -> Tensor:
        """1/T, learned and clamped to [1, max_inverse_temperature]."""
        return self.log_inverse_temperature.exp().clamp(1.0, self.max_inverse_temperature)

    def encode_pixels(self, x: Tensor) -> Tensor:
        """(b, dim) of unit length from x (b, c, h, w) in [-1, 1] of any size, grey or colour."""
        if x.shape[1] != self.img_ch:
            x = x.mean(1, keepdim=True) if self.img_ch == 1 else x.expand(-1, 3, -1, -1)
        if x.shape[-2:] != (self.img_size, self.img_size):
            x = F.interpolate(
                x,
                (self.img_size, self.img_size),
                mode="bilinear",
                antialias=True,
                align_corners=False,
            )
        return F.normalize(self.image(x), dim=1)

    def encode_texts(self, texts: Sequence[str], *, warn: bool = True) -> Tensor:
        """(p, dim) of unit length, with gradients; with `warn`, a cut text is named."""
        ids = tokenise(texts, LENGTH, warn=warn).to(self.bias.device)
        # Short texts apart from long ones: a group is as wide as the longest text in it.
        order = (ids != PAD).sum(1).argsort()
        groups = torch.split(order, max(32, -(-len(texts) // GROUPS)))
        found = torch.cat([self.text(ids[group]) for group in groups])
        return F.normalize(found[order.argsort()], dim=1)

    def embed_pixels(self, x: Tensor) -> Tensor:
        """As `encode_pixels`, in float32; differentiable."""
        return self.encode_pixels(x.float())

    @torch.no_grad()
    def embed_images(self, images: "Sequence[Image]") -> Tensor:
        """(b, dim), each picture resized as the training pictures were."""
        x = stack_pictures(images, self.img_size, self.img_ch)
        return self.encode_pixels(x.to(self.bias.device))

    def embed_items(self, items: Sequence[Item]) -> Tensor:
        """(b, dim) of the items' pictures."""
        return self.embed_images([item.image for item in items])

    def ready(self, item: Item) -> Tensor:
        """(c, h, w) uint8, resized as the training pictures were."""
        return from_picture(item.image, self.img_size, self.img_ch)

    @torch.no_grad()
    def embed_ready(self, x: Tensor) -> Tensor:
        """(b, dim) from x (b, c, h, w) uint8, to the bit as `embed_items`."""
        return self.encode_pixels(to_float(x).to(self.bias.device))

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """(p, dim), in batches."""
        if not texts:
            return torch.empty(0, self.dim)
        chunks = [texts[i : i + 512] for i in range(0, len(texts), 512)]
        return torch.cat([self.encode_texts(chunk) for chunk in chunks])

    def prompt_bank(self) -> list[str]:
        """Captions of the kind this CLIP learned from."""
        return list(self.prompts)

    def save(self, folder: str | Path, *, prompts: Sequence[str], card: dict[str, Any]) -> None:
        """Write the weights (fp16), the prompt bank and what is known of the training."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_tensors(folder / WEIGHTS, {k: v.half() for k, v in self.state_dict().items()})
        text = {"format": 1, "options": self.options, "prompts": list(prompts), "card": card}
        write_text(folder / CARD, json.dumps(text, indent=1, ensure_ascii=False))

    @classmethod
    def load(cls, folder: str | Path, device: torch.device | str = "cpu") -> "MiniClip":
        """Open a folder that `save` wrote.

        Raises:
            MissingInput: no such folder or files. DataError: the files do not fit together.
        """
        folder = Path(folder)
        absent = [name for name in (CARD, WEIGHTS) if not (folder / name).is_file()]
        if absent:
            raise MissingInput(
                f"no mini-CLIP in {folder}",
                f"{absent[0]} is not there",
                "train one: ddpm-clip train-clip SOURCE --out FOLDER",
            )
        try:
            text, weights = read_object(folder / CARD), load_tensors(folder / WEIGHTS)
            make = partial(cls, **text["options"])
            check_weights(make, weights)  # the card may ask for towers of any size
            model = make()
            model.load_state_dict(weights)
            model.prompts = [str(prompt) for prompt in text["prompts"]]
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise DataError(f"the mini-CLIP in {folder} is damaged", str(error)[:200]) from error
        model.fingerprint = sha256(folder / WEIGHTS)[:16]
        return model.to(device).eval()


def multi_positive_loss(image: Tensor, text: Tensor, fits: Tensor, clip: MiniClip) -> Tensor:
    """Cross-entropy in both directions with every fitting partner as a target.

    As in Khosla et al. 2020 (eq. 2): equal captions in a batch are no negatives of each other.

    Args:
        image: (b, e) unit vectors.
        text: (p, e) unit vectors; those that fit no picture are held against all of them.
        fits: (b, p) bool, caption j is true of picture i; every picture has one.
        clip: holds the temperature.
    """
    logits = clip.inverse_temperature * image @ text.T
    wanted, told = fits.float(), fits.any(0)

    def one_way(logits: Tensor, wanted: Tensor) -> Tensor:
        return -(logits.log_softmax(1) * wanted).sum(1).div(wanted.sum(1)).mean()

    return (one_way(logits, wanted) + one_way(logits.T[told], wanted.T[told])) / 2


def sigmoid_loss(image: Tensor, text: Tensor, fits: Tensor, clip: MiniClip) -> Tensor:
    """Each pair judged alone (Zhai et al. 2023, section 3.2). Arguments as above."""
    logits = clip.inverse_temperature * image @ text.T + clip.bias
    signs = 2 * fits.float() - 1
    return -F.logsigmoid(signs * logits).sum() / len(image)


LOSSES = {"multi_positive": multi_positive_loss, "sigmoid": sigmoid_loss}
