"""The data set of the course: pictures listed in a CSV, each with its CLIP embedding.

Training in this package uses `stream_pixels` and the embedding cache. This is the same data in
the form that a `torch.utils.data.DataLoader` and the course's notebooks expect.
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
from ddpm_clip.errors import DataError, DdpmClipWarning, UsageError

SIZE = 32
"""Side of the pictures without `img_transforms`, as in the course."""


class CLIPDataset(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of a picture (c, h, w) and its embedding (e,), read once and kept on `device`.

    Args:
        csv_path: A CSV with rows of a path and its embedding; relative paths are resolved from the
            working folder.
        img_transforms: Function from an upright RGB picture to a tensor, applied once; by default
            the middle square at 32 pixels in [-1, 1].
        random_transforms: Function from that tensor to the returned one, applied on each access.
        clip_features: Size of an embedding in the CSV.
        preprocessed_clip: Take embeddings from the CSV; else compute them by `clip_model` on each
            access.
        clip_model: An embedder of this package, or a model with `encode_image`.
        clip_preprocess: Function from a picture to a tensor, for `encode_image`.
        device: Where pictures and embeddings are kept.

    Raises:
        DataError: A row is malformed, embeddings have another size, or no picture can be used. A
            single unusable picture is named in a warning and left out.
        UsageError: `clip_model` is missing although it is needed.
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
                f"{csv_path} has embeddings of size {table.embeddings.shape[1]}",
                f"but clip_features is {clip_features}",
                "set clip_features to the encoder's embedding size",
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
        """Return picture i (c, h, w) after the random transforms, and its embedding (e,)."""
        shown = self.images[i]
        if self.random_transforms is not None:
            shown = self.random_transforms(shown)
        return shown, self.labels[i] if self.preprocessed_clip else self._embedded(i)

    @torch.no_grad()
    def _embedded(self, i: int) -> Tensor:
        """Compute the embedding of picture i."""
        picture = self._originals[i]
        if hasattr(self.clip_model, "embed_images"):
            rows: Tensor = self.clip_model.embed_images([picture])
        elif self.clip_preprocess is not None:
            rows = self.clip_model.encode_image(self.clip_preprocess(picture)[None].to(self.device))
        else:
            raise UsageError("encode_image needs clip_preprocess", "a picture is not a tensor")
        return rows[0].float().to(self.device)


def _pictures(paths: list[str], csv_path: str) -> dict[int, Image.Image]:
    """Return the pictures that can be used, by their row in the CSV."""
    pictures = {}
    for row, path in enumerate(paths):
        try:
            with in_children():
                pictures[row] = open_image(os.path.expanduser(path)).convert("RGB")
        except BadImage as error:
            warnings.warn(f"left out: {error.what}: {error.why}", DdpmClipWarning, stacklevel=4)
    if not pictures:
        raise DataError(
            f"none of the {len(paths)} pictures of {csv_path} can be used",
            f"the first is {paths[0]}",
            "run in the folder from which these paths are valid",
        )
    return pictures


def _centre_32(picture: Image.Image) -> Tensor:
    return torch.from_numpy(to_array(picture, SIZE, 3)).float() / 127.5 - 1
