"""A CLIP small enough to train in a minute: a CNN for pictures, a character tower for words.

Learns from pairs of pictures and captions (`ddpm_clip.training.contrastive`); here is only the
model, its losses and its folder. Knows nothing of data sources or diffusion.
"""

import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from ddpm_clip.embedders.tokenizer import PAD, VOCABULARY, tokenise
from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.types import Item
from ddpm_clip.utils.storage import write_text
from ddpm_clip.utils.tensors import (
    from_picture,
    load_tensors,
    save_tensors,
    stack_pictures,
    to_float,
)

if TYPE_CHECKING:
    from PIL.Image import Image

WEIGHTS, CARD = "mini_clip.safetensors", "mini_clip.json"
LENGTH = 96
"""Characters of a prompt, START and END included."""


class ImageTower(nn.Module):
    """Four convolutions and a linear layer. (b, img_ch, size, size) in [-1, 1] -> (b, dim)."""

    def __init__(self, img_ch: int, img_size: int, width: int, dim: int):
        super().__init__()
        chs = (img_ch, width, 2 * width, 4 * width, 4 * width)
        layers: list[nn.Module] = []
        for i, (ch_in, ch) in enumerate(pairwise(chs)):
            layers += [nn.Conv2d(ch_in, ch, 3, stride=1 if i == 1 else 2, padding=1)]
            layers += [nn.GroupNorm(8, ch), nn.SiLU()]
        self.features = nn.Sequential(*layers)
        side = (img_size + 7) // 8  # halved three times, rounding up
        self.head = nn.Linear(chs[-1] * side**2, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Not normalised."""
        return self.head(self.features(x).flatten(1))  # type: ignore[no-any-return]


class TextTower(nn.Module):
    """Convolutions find the words, two attention layers relate them. (p, length) -> (p, dim)."""

    def __init__(self, width: int, dim: int, length: int = LENGTH):
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, width, padding_idx=PAD)
        self.place = nn.Parameter(0.02 * torch.randn(length, width))
        self.words = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(2))
        self.relate = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                max(1, width // 32),
                2 * width,
                0.0,
                "gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(2)
        )
        self.head = nn.Sequential(nn.LayerNorm(2 * width), nn.Linear(2 * width, dim))

    def forward(self, ids: Tensor) -> Tensor:
        """Not normalised."""
        longest = int((ids != PAD).sum(1).max())
        ids = ids[:, :longest]
        absent = ids == PAD  # (p, l)
        h = self.token(ids) + self.place[:longest]
        for conv in self.words:
            h = h + F.gelu(
                conv(h.masked_fill(absent[..., None], 0).transpose(1, 2)).transpose(1, 2)
            )
        # The fused CPU kernel's backward is ten times slower on so few tokens.
        with sdpa_kernel(SDPBackend.MATH):
            for layer in self.relate:
                h = layer(h, src_key_padding_mask=absent)
        there = (~absent)[..., None].float()
        mean = (h * there).sum(1) / there.sum(1)
        top = h.masked_fill(absent[..., None], -1e4).amax(1)
        return self.head(torch.cat([mean, top], dim=1))  # type: ignore[no-any-return]


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
    """

    def __init__(
        self, img_ch: int = 3, img_size: int = 32, dim: int = 64, width: int = 48,
        text_width: int = 128, max_inverse_temperature: float = 30.0,
    ):  # fmt: skip
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
                fix="choose a multiple of 32", param="embedder.text_width",
            )  # fmt: skip
        self.options = {
            "img_ch": img_ch, "img_size": img_size, "dim": dim, "width": width,
            "text_width": text_width, "max_inverse_temperature": max_inverse_temperature,
        }  # fmt: skip
        self.name, self.dim, self.img_ch, self.img_size = "mini_clip", dim, img_ch, img_size
        self.image, self.text = ImageTower(img_ch, img_size, width, dim), TextTower(text_width, dim)
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
        return F.normalize(self.text(ids), dim=1)

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
            raise MissingInput(f"no mini-CLIP in {folder}", f"{absent[0]} is not there",
                               "train one: ddpm-clip train-clip SOURCE --out FOLDER")  # fmt: skip
        try:
            text = json.loads((folder / CARD).read_text(encoding="utf-8"))
            model = cls(**text["options"])
            model.load_state_dict(load_tensors(folder / WEIGHTS))
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            raise DataError(f"the mini-CLIP in {folder} is damaged", str(error)[:200]) from error
        model.fingerprint = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()[:16]
        model.prompts = [str(prompt) for prompt in text["prompts"]]
        return model.to(device).eval()


def multi_positive_loss(image: Tensor, text: Tensor, fits: Tensor, clip: MiniClip) -> Tensor:
    """Cross-entropy in both directions with every fitting partner as a target.

    As in Khosla et al. 2020 (eq. 2): equal captions in a batch are no negatives of each other.

    Args:
        image: (b, e) unit vectors.
        text: (b, e) unit vectors.
        fits: (b, b) bool, caption j is true of picture i; the diagonal is.
        clip: holds the temperature.
    """
    logits = clip.inverse_temperature * image @ text.T
    wanted = fits.float()

    def one_way(logits: Tensor, wanted: Tensor) -> Tensor:
        return -(logits.log_softmax(1) * wanted).sum(1).div(wanted.sum(1)).mean()

    return (one_way(logits, wanted) + one_way(logits.T, wanted.T)) / 2


def sigmoid_loss(image: Tensor, text: Tensor, fits: Tensor, clip: MiniClip) -> Tensor:
    """Each pair judged alone (Zhai et al. 2023, section 3.2). Arguments as above."""
    logits = clip.inverse_temperature * image @ text.T + clip.bias
    signs = 2 * fits.float() - 1
    return -F.logsigmoid(signs * logits).sum() / len(image)


LOSSES = {"multi_positive": multi_positive_loss, "sigmoid": sigmoid_loss}
