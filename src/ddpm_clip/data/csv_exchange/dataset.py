"""The course's data set: pictures listed in a CSV, each with its CLIP embedding.

Training here goes by `stream_pixels` and the embedding cache; this is the same data in the form
that a `torch.utils.data.DataLoader` and the course's notebooks expect. Knows nothing of encoders.
"""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from ddpm_clip.data.csv_exchange.embedding_csv import read_csv
from ddpm_clip.data.pictures.images import BadImage, open_image, to_array
from ddpm_clip.data.pictures.sandbox import in_children
from ddpm_clip.errors import DataError, UsageError

SIZE = 32
"""Side of the pictures where no transform says otherwise, as in the course."""


class CLIPDataset(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of a picture (c, h, w) and its embedding (e,), read once and kept on `device`.

    Args:
        csv_path: Rows of a path and its numbers; relative paths count from the working folder.
        img_transforms: From an upright RGB picture to a tensor, done once; by default the middle
            square at 32 pixels in [-1, 1].
        random_transforms: From that tensor to the one that is shown, done each time.
        clip_features: How many numbers a row must have.
        preprocessed_clip: Take the embeddings from the CSV; else `clip_model` is asked each time.
        clip_model: An embedder of ours, or a model with `encode_image`.
        clip_preprocess: From a picture to a tensor, for `encode_image`.
        device: Where pictures and embeddings are kept.

    Raises:
        DataError: a malformed row, another number of features, or no picture that can be used;
        single ones are named in a warning and left out. UsageError: no model where one is needed.
    """

    def __init__(
        self,
        csv_path: str | Path,
        img_transforms: Callable[[Image.Image], Tensor] | None = None,
        random_transforms: Callable[[Tensor], Tensor] | None = None,
        clip_features: int = 512,
        preprocessed_clip: bool = True,
        clip_model: Any = None,
        clip_preprocess: Callable[[Image.Image], Tensor] | None = None,
        device: str | torch.device = "cpu",
    ):
        table = read_csv(csv_path)
        if preprocessed_clip and table.embeddings.shape[1] != clip_features:
            raise DataError(
                f"{csv_path} has {table.embeddings.shape[1]} numbers a row",
                f"clip_features is {clip_features}",
                "give the number that the encoder makes",
            )
        if not preprocessed_clip and clip_model is None:
            raise UsageError("preprocessed_clip=False needs a clip_model")
        self.random_transforms, self.preprocessed_clip = random_transforms, preprocessed_clip
        self.clip_model, self.clip_preprocess, self.device = clip_model, clip_preprocess, device
        pictures = _pictures(table.keys, str(csv_path))
        self.paths = [table.keys[row] for row in pictures]
        transform = img_transforms or _centre_32
        self.images = [transform(picture).to(device) for picture in pictures.values()]
        self.labels = table.embeddings[list(pictures)].to(device)
        self._originals = [] if preprocessed_clip else list(pictures.values())

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        """Picture i as it is shown this time, and its embedding (e,)."""
        shown = self.images[i]
        if self.random_transforms is not None:
            shown = self.random_transforms(shown)
        return shown, self.labels[i] if self.preprocessed_clip else self._embedded(i)

    @torch.no_grad()
    def _embedded(self, i: int) -> Tensor:
        """The embedding of picture i, asked of the model now."""
        picture = self._originals[i]
        if hasattr(self.clip_model, "embed_images"):
            rows: Tensor = self.clip_model.embed_images([picture])
        elif self.clip_preprocess is not None:
            rows = self.clip_model.encode_image(self.clip_preprocess(picture)[None].to(self.device))
        else:
            raise UsageError("encode_image needs clip_preprocess", "a picture is no tensor")
        return rows[0].float().to(self.device)


def _pictures(paths: list[str], csv_path: str) -> dict[int, Image.Image]:
    """The pictures that can be used, by the row that names them."""
    pictures = {}
    for row, path in enumerate(paths):
        try:
            with in_children():
                pictures[row] = open_image(os.path.expanduser(path)).convert("RGB")
        except BadImage as error:
            warnings.warn(f"left out: {error.what}: {error.why}", stacklevel=4)
    if not pictures:
        raise DataError(
            f"none of the {len(paths)} pictures of {csv_path} can be used",
            f"the first is {paths[0]}",
            "run where its paths are valid",
        )
    return pictures


def _centre_32(picture: Image.Image) -> Tensor:
    return torch.from_numpy(to_array(picture, SIZE, 3)).float() / 127.5 - 1
