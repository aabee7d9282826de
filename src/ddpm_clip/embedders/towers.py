"""The encoders ("towers") of a mini-CLIP for pictures and for texts, in two architectures each.

Two CLIPs with different towers make different mistakes, so one can evaluate pictures that were
conditioned on the other.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from ddpm_clip.embedders.tokenizer import PAD, VOCABULARY
from ddpm_clip.registry import Registry
from ddpm_clip.utils.resizing import AnySize, Size

LENGTH = 96
"""Longest prompt in characters, including START and END."""

PATCHES = 7
"""Patches per side in `PatchTower`, whatever the size of the picture."""


class ImageTower(nn.Module):
    """Four convolutions and a linear layer: (b, img_ch, *img_size) in [-1, 1] -> (b, dim)."""

    def __init__(self, img_ch: int, img_size: AnySize, width: int, dim: int):
        super().__init__()
        chs = (img_ch, width, 2 * width, 4 * width, 4 * width)
        layers: list[nn.Module] = []
        for i, (ch_in, ch) in enumerate(pairwise(chs)):
            layers += [nn.Conv2d(ch_in, ch, 3, stride=1 if i == 1 else 2, padding=1)]
            layers += [nn.GroupNorm(8, ch), nn.SiLU()]
        self.features = nn.Sequential(*layers)
        height, width = (
            (side + 7) // 8 for side in Size.of(img_size)
        )  # halved three times, rounding up
        self.head = nn.Linear(chs[-1] * height * width, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return unnormalised embeddings."""
        return self.head(self.features(x).flatten(1))  # type: ignore[no-any-return]


class PatchTower(nn.Module):
    """A vision transformer of two layers over 7 x 7 patches (Dosovitskiy et al. 2021).

    Maps (b, img_ch, *img_size) in [-1, 1] to (b, dim). Patches overlap by half, so that with so
    few pixels no stroke is lost between two patches.
    """

    def __init__(self, img_ch: int, img_size: AnySize, width: int, dim: int):
        super().__init__()
        ch, (down, across) = 2 * width, (side // PATCHES for side in Size.of(img_size))
        self.patch = nn.Conv2d(
            img_ch,
            ch,
            (2 * down, 2 * across),
            stride=(down, across),
            padding=(down // 2, across // 2),
        )
        self.place = nn.Parameter(0.02 * torch.randn((PATCHES + 1) ** 2, ch))
        self.relate = _attention_layers(ch)
        self.norm, self.head = nn.LayerNorm(ch), nn.Linear(ch, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return unnormalised embeddings."""
        h = self.patch(x).flatten(2).transpose(1, 2)  # (b, patches, ch)
        h = h + self.place[: h.shape[1]]
        with sdpa_kernel(SDPBackend.MATH):
            for layer in self.relate:
                h = layer(h)
        return self.head(self.norm(h).mean(1))  # type: ignore[no-any-return]


class TextTower(nn.Module):
    """Two convolutions and two attention layers over characters: (p, length) -> (p, dim)."""

    def __init__(self, width: int, dim: int, length: int = LENGTH):
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, width, padding_idx=PAD)
        self.place = nn.Parameter(0.02 * torch.randn(length, width))
        self.words = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(2))
        self.relate = _attention_layers(width)
        self.head = nn.Sequential(nn.LayerNorm(2 * width), nn.Linear(2 * width, dim))

    def forward(self, ids: Tensor) -> Tensor:
        """Return unnormalised embeddings."""
        ids = _shortened(ids)
        absent = ids == PAD  # (p, l)
        h = self.token(ids) + self.place[: ids.shape[1]]
        for conv in self.words:
            h = h + F.gelu(
                conv(h.masked_fill(absent[..., None], 0).transpose(1, 2)).transpose(1, 2)
            )
        # The fused CPU kernel's backward is ten times slower on so few tokens.
        with sdpa_kernel(SDPBackend.MATH):
            for layer in self.relate:
                h = layer(h, src_key_padding_mask=absent)
        present = (~absent)[..., None].float()
        mean = (h * present).sum(1) / present.sum(1)
        top = h.masked_fill(absent[..., None], -1e4).amax(1)
        return self.head(torch.cat([mean, top], dim=1))  # type: ignore[no-any-return]


class RecurrentTower(nn.Module):
    """A bidirectional LSTM over characters with max pooling: (p, length) -> (p, dim)."""

    def __init__(self, width: int, dim: int, length: int = LENGTH):
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, width, padding_idx=PAD)
        self.lstm = nn.LSTM(width, width, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width, dim)

    def forward(self, ids: Tensor) -> Tensor:
        """Return unnormalised embeddings."""
        ids = _shortened(ids)
        states, _ = self.lstm(self.token(ids))  # (p, l, 2 width)
        absent = (ids == PAD)[..., None]
        return self.head(states.masked_fill(absent, -1e4).amax(1))  # type: ignore[no-any-return]


def _attention_layers(width: int) -> nn.ModuleList:
    heads = max(1, width // 32)
    return nn.ModuleList(
        nn.TransformerEncoderLayer(
            width, heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        for _ in range(2)
    )


def _shortened(ids: Tensor) -> Tensor:
    """Remove the columns that are padding in every row."""
    return ids[:, : int((ids != PAD).sum(1).max())]


IMAGE_TOWERS: Registry[Callable[[int, AnySize, int, int], nn.Module]] = Registry(
    "image tower", {"convolutions": ImageTower, "patches": PatchTower}
)
"""Maps a name to (img_ch, img_size, width, dim) -> network (b, c, h, w) -> (b, dim)."""

TEXT_TOWERS: Registry[Callable[[int, int], nn.Module]] = Registry(
    "text tower", {"attention": TextTower, "recurrent": RecurrentTower}
)
"""Maps a name to (width, dim) -> network (p, LENGTH) int64 ids -> (p, dim)."""
