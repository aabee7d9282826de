"""The CLIP of the seed that trains its own: three convolutions, and an LSTM over characters.

For weights that were trained there (`ddpm-clip import-legacy --clip`); `mini_clip` is the one to
train. Its embeddings have two numbers where nobody changed it. Knows nothing of how weights were
read, or of diffusion.
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

from ddpm_clip.errors import DataError, MissingInput
from ddpm_clip.types import Item
from ddpm_clip.utils.storage import sha256, write_text
from ddpm_clip.utils.tensors import check_weights, load_tensors, save_tensors, stack_pictures
from ddpm_clip.utils.untrusted import read_object

if TYPE_CHECKING:
    from PIL.Image import Image

WEIGHTS, CARD = "legacy_clip.safetensors", "legacy_clip.json"
FORMER = {WEIGHTS: "seed_clip.safetensors", CARD: "seed_clip.json"}
"""What the files were called by ddpm_clip 0.1; models imported by it can still be opened."""
ALPHABET = "abcdefghijklmnopqrstuvwxyz1234567890 .!?"
PAD, START, END, FIRST = range(4)
LETTERS = 10
"""Characters of a prompt; what is longer was never trained, and two more are read."""

NAMES = {
    "image_encoder.conv.": "image.", "image_encoder.fc.": "image_head.",
    "text_encoder.embedding.": "token.", "text_encoder.lstm_layer.": "lstm.",
    "text_encoder.linear.": "text_head.", "image_projection.": "image_projection.",
    "text_projection.": "text_projection.",
}  # fmt: skip
"""How names begin there -> and here."""


class LegacyClip(nn.Module):
    """An embedder (`ddpm_clip.types.Embedder`) as that seed trained it.

    Args:
        dim: size of the embedding.
        img_ch: channels of its pictures.
        side: of its pictures.
        features: what the picture's side ends in, before the projection.
        symbols: rows of the table of characters.
        letter: size of a character's vector.
        hidden: of the LSTM.
        layers: of the LSTM.
        text_features: what the text's side ends in, before the projection.
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
            raise ValueError(f"an LSTM of {layers} layers")
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
        """(b, dim) of unit length from x (b, c, h, w) in [-1, 1], of any size; differentiable."""
        channels, side = self.options["img_ch"], self.options["side"]
        if x.shape[1] != channels:
            x = x.mean(1, keepdim=True) if channels == 1 else x.expand(-1, channels, -1, -1)
        if x.shape[-2:] != (side, side):
            x = F.interpolate(x, (side, side), mode="bilinear", antialias=True)
        rows = self.image_head(self.image(x.float()).flatten(1))
        return F.normalize(self.image_projection(rows), dim=1)

    @torch.no_grad()
    def embed_images(self, images: "Sequence[Image]") -> Tensor:
        """(b, dim), each picture resized as the training pictures were."""
        x = stack_pictures(images, self.options["side"], self.options["img_ch"])
        return self.embed_pixels(x.to(self.token.weight.device))

    def embed_items(self, items: Sequence[Item]) -> Tensor:
        """(b, dim) of the items' pictures."""
        return self.embed_images([item.image for item in items])

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """(p, dim) of unit length; one text at a time, since lengths differ."""
        rows = [self._encoded(text) for text in texts]
        return torch.cat([torch.empty(0, self.dim, device=self.token.weight.device), *rows])

    def prompt_bank(self) -> list[str]:
        """The words that it was trained on."""
        return ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

    def _encoded(self, text: str) -> Tensor:
        ids = torch.tensor([self._ids(text)], device=self.token.weight.device)
        _, (states, _) = self.lstm(self.token(ids))
        return F.normalize(self.text_projection(self.text_head(states[-1])), dim=1)

    def _ids(self, text: str) -> list[int]:
        """START, the letters that it knows, END; padded, and a longer text is cut as it was there.

        The table has no rows for the last three marks of the alphabet; they are left out.
        """
        plain = re.sub(r"[^a-z0-9 .!?]", "", text.lower())
        ids = [FIRST + ALPHABET.index(letter) for letter in plain]
        ids = [number for number in ids if number < self.options["symbols"]]
        if len(ids) > LETTERS:
            warnings.warn(
                f"the prompt {text[:40]!r} is longer than {LETTERS} letters", stacklevel=4
            )
            return [START, *ids[: LETTERS + 2], END]
        return [START, *ids, END] + [PAD] * (LETTERS - len(ids))

    def save(self, folder: Path) -> None:
        """Write weights and sizes."""
        folder.mkdir(parents=True, exist_ok=True)
        save_tensors(folder / WEIGHTS, dict(self.state_dict()))
        facts = {"format": 1, "options": self.options}
        write_text(folder / CARD, json.dumps(facts, indent=1) + "\n")

    @classmethod
    def load(cls, folder: str | Path, device: torch.device | str = "cpu") -> "LegacyClip":
        """Open a folder that `save` wrote.

        Raises:
            MissingInput: no such files. DataError: they do not fit together.
        """
        folder = Path(folder)
        card, weights_file = (_found(folder, name) for name in (CARD, WEIGHTS))
        absent = [path.name for path in (card, weights_file) if not path.is_file()]
        if absent:
            raise MissingInput(
                f"no imported CLIP in {folder}",
                f"{absent[0]} is not there",
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
        """The CLIP that tensors with that seed's names belong to; sizes are read off them.

        Raises:
            DataError: it is none.
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
                "these weights are not of the CLIP that can be read",
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
    """A file of the folder, under its former name where it has that."""
    former = folder / FORMER[name]
    return former if former.is_file() else folder / name
