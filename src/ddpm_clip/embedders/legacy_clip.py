"""The small CLIP of an earlier project: three convolutions, and an LSTM over characters.

It serves weights that were trained there (`ddpm-clip import-legacy --clip`); for new trainings use
`mini_clip`. By default its embeddings have only two dimensions.
"""

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.errors import DataError, MissingInput, TruncatedText
from ddpm_clip.types import Item
from ddpm_clip.utils.storage import sha256, write_text
from ddpm_clip.utils.tensors import check_weights, load_tensors, save_tensors, stack_pictures
from ddpm_clip.utils.untrusted import read_object

if TYPE_CHECKING:
    from PIL.Image import Image

WEIGHTS, CARD = "legacy_clip.safetensors", "legacy_clip.json"
FORMER = {WEIGHTS: "seed_clip.safetensors", CARD: "seed_clip.json"}
"""File names in ddpm_clip 0.1; models that it imported can still be opened."""
ALPHABET = "abcdefghijklmnopqrstuvwxyz1234567890 .!?"
PAD, START, END, FIRST = range(4)
LETTERS = 10
"""Longest prompt in training, in characters; two more are read."""

NAMES = {
    "image_encoder.conv.": "image.", "image_encoder.fc.": "image_head.",
    "text_encoder.embedding.": "token.", "text_encoder.lstm_layer.": "lstm.",
    "text_encoder.linear.": "text_head.", "image_projection.": "image_projection.",
    "text_projection.": "text_projection.",
}  # fmt: skip
"""Maps prefixes of tensor names in the earlier project to those in this file."""


class LegacyClip(nn.Module):
    """An embedder (`ddpm_clip.types.Embedder`) as the earlier project trained it.

    Args:
        dim: Size of the embedding.
        img_ch: Channels of the pictures, 1 or 3.
        side: Side of the pictures in pixels.
        features: Size of the image features before the projection.
        symbols: Number of characters in the embedding table.
        letter: Size of a character embedding.
        hidden: Hidden size of the LSTM.
        layers: Number of layers of the LSTM, 1 to 16.
        text_features: Size of the text features before the projection.
    """

    def __init__(
        self,
        dim: int = 2,
        img_ch: int = 1,
        side: int = 32,
        features: int = 64,
        symbols: int = 40,
        letter: int = 8,
        hidden: int = 256,
        layers: int = 3,
        text_features: int = 32,
    ):
        super().__init__()
        if not 1 <= layers <= 16:
            raise ValueError(f"the LSTM has {layers} layers, not 1 to 16")
        self.options = {
            "dim": dim,
            "img_ch": img_ch,
            "side": side,
            "features": features,
            "symbols": symbols,
            "letter": letter,
            "hidden": hidden,
            "layers": layers,
            "text_features": text_features,
        }
        self.name, self.dim, self.fingerprint = "legacy_clip", dim, "untrained"
        chs = (img_ch, 16, 32, 64)
        convs: list[nn.Module] = []
        for ch_in, ch in pairwise(chs):
            convs += [nn.Conv2d(ch_in, ch, 3, padding=2), nn.ReLU()]
        self.image = nn.Sequential(*convs)
        self.image_head = nn.Sequential(
            nn.Linear(64 * (side + 6) ** 2, 64), nn.ReLU(), nn.Linear(64, features)
        )
        self.token = nn.Embedding(symbols, letter)
        self.lstm = nn.LSTM(letter, hidden, num_layers=layers, batch_first=True)
        self.text_head = nn.Linear(hidden, text_features)
        self.image_projection = nn.Linear(features, dim)
        self.text_projection = nn.Linear(text_features, dim)

    def embed_pixels(self, x: Tensor) -> Tensor:
        """Return unit embeddings (b, dim) of x (b, c, h, w) in [-1, 1]; differentiable."""
        channels, side = self.options["img_ch"], self.options["side"]
        if x.shape[1] != channels:
            x = x.mean(1, keepdim=True) if channels == 1 else x.expand(-1, channels, -1, -1)
        if x.shape[-2:] != (side, side):
            x = F.interpolate(x, (side, side), mode="bilinear", antialias=True)
        rows = self.image_head(self.image(x.float()).flatten(1))
        return F.normalize(self.image_projection(rows), dim=1)

    @torch.no_grad()
    def embed_images(self, images: "Sequence[Image]") -> Tensor:
        """Return embeddings (b, dim) of pictures, resized as in training."""
        x = stack_pictures(images, self.options["side"], self.options["img_ch"])
        return self.embed_pixels(x.to(self.token.weight.device))

    def embed_items(self, items: Sequence[Item]) -> Tensor:
        """Return embeddings (b, dim) of the items' pictures."""
        return self.embed_images([item.image for item in items])

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Return unit embeddings (p, dim), encoded one text at a time, since lengths differ."""
        rows = [self._encoded(text) for text in texts]
        return torch.cat([torch.empty(0, self.dim, device=self.token.weight.device), *rows])

    def prompt_bank(self) -> list[str]:
        """Return the words that it was trained on."""
        return ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

    def _encoded(self, text: str) -> Tensor:
        ids = torch.tensor([self._ids(text)], device=self.token.weight.device)
        _, (states, _) = self.lstm(self.token(ids))
        return F.normalize(self.text_projection(self.text_head(states[-1])), dim=1)

    def _ids(self, text: str) -> list[int]:
        """Return START, the known letters and END, padded or cut as in the earlier project.

        The table has no rows for the last three characters of the alphabet, which are dropped.
        """
        plain = re.sub(r"[^a-z0-9 .!?]", "", text.lower())
        ids = [FIRST + ALPHABET.index(letter) for letter in plain]
        ids = [number for number in ids if number < self.options["symbols"]]
        if len(ids) > LETTERS:
            warnings.warn(
                f"the prompt {text[:40]!r} is longer than {LETTERS} letters",
                TruncatedText,
                stacklevel=4,
            )
            return [START, *ids[: LETTERS + 2], END]
        return [START, *ids, END] + [PAD] * (LETTERS - len(ids))

    def save(self, folder: Path) -> None:
        """Write weights and sizes to `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        save_tensors(folder / WEIGHTS, dict(self.state_dict()))
        facts = {"format": 1, "options": self.options}
        write_text(folder / CARD, json.dumps(facts, indent=1) + "\n")

    @classmethod
    def load(cls, folder: str | Path, device: torch.device | str = "cpu") -> "LegacyClip":
        """Open a folder that `save` wrote.

        Raises:
            MissingInput: A file is missing.
            DataError: The files are damaged or do not match.
        """
        folder = Path(folder)
        card, weights_file = (_found(folder, name) for name in (CARD, WEIGHTS))
        absent = [path.name for path in (card, weights_file) if not path.is_file()]
        if absent:
            raise MissingInput(
                f"no imported CLIP in {folder}",
                f"{absent[0]} is missing",
                "import it: ddpm-clip import-legacy FILE --clip FILE --out FOLDER",
            )
        try:
            options, weights = read_object(card)["options"], load_tensors(weights_file)
            model = cls._filled(options, weights)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise DataError(f"the CLIP in {folder} is damaged", str(error)[:200]) from error
        model.fingerprint = sha256(weights_file)[:16]
        return model.to(device).eval()

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "LegacyClip":
        """Build the CLIP from tensors with the earlier project's names; they give all sizes.

        Raises:
            DataError: The tensors are not those of such a CLIP.
        """
        weights = {_renamed(name): value.float() for name, value in tensors.items()}
        try:
            side = round((weights["image_head.0.weight"].shape[1] / 64) ** 0.5) - 6
            options = {
                "dim": weights["image_projection.weight"].shape[0],
                "img_ch": weights["image.0.weight"].shape[1],
                "side": side,
                "features": weights["image_projection.weight"].shape[1],
                "symbols": weights["token.weight"].shape[0],
                "letter": weights["token.weight"].shape[1],
                "hidden": weights["lstm.weight_hh_l0"].shape[1],
                "layers": sum(name.startswith("lstm.weight_ih") for name in weights),
                "text_features": weights["text_projection.weight"].shape[1],
            }
            return cls._filled(options, weights)
        except (ValueError, KeyError, IndexError, RuntimeError) as error:
            raise DataError(
                "these weights are not those of a legacy CLIP",
                str(error)[:200],
                "give the CLIP that the network was trained with",
            ) from error

    @classmethod
    def _filled(cls, options: dict[str, Any], weights: dict[str, Tensor]) -> "LegacyClip":
        make = partial(cls, **options)
        check_weights(make, weights)
        model = make()
        model.load_state_dict(weights)
        return model


def _renamed(name: str) -> str:
    name = name.removeprefix("_orig_mod.").removeprefix("module.")
    start = next((start for start in NAMES if name.startswith(start)), "")
    return NAMES[start] + name[len(start) :] if start else name


def _found(folder: Path, name: str) -> Path:
    """Return the path of a file in the folder, under its former name if it has that."""
    former = folder / FORMER[name]
    return former if former.is_file() else folder / name
