"""Reads pairs of image and text embeddings: arrays `image` and `text` (n, e) in an npz."""

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.data.local.npz_arrays import unpacked
from ddpm_clip.errors import DataError, MissingInput, StorageError
from ddpm_clip.utils.untrusted import is_file, is_there, user_path

ARRAYS = ("image", "text")
IN_MEMORY_MB, PACKED = 16, 20
"""An array above this many MiB may be at most this many times larger than its compressed form.

Embeddings hardly compress, so a larger ratio is a zip bomb.
"""


def read_pairs(path: str | Path) -> tuple[Tensor, Tensor]:
    """Return images (n, e) and texts (n, e), float32, from a file or the one npz in a folder.

    Raises:
        MissingInput: There is no such file.
        DataError: It lacks these arrays, or they have NaN or infinite values.
    """
    path = user_path(path)
    inside = sorted(path.glob("*.npz")) if is_there(path) and path.is_dir() else [path]
    if len(inside) != 1 or not is_file(inside[0]):
        raise MissingInput(
            f"no pairs of embeddings in {str(path)[:200]}",
            "an npz file with arrays `image` and `text` is needed",
            "give the path of the file itself",
            param="pairs",
        )
    try:
        with zipfile.ZipFile(inside[0]) as archive:
            read = [unpacked(archive, name, IN_MEMORY_MB, PACKED) for name in ARRAYS]
        if wrong := [array.dtype for array in read if array.dtype.kind != "f"]:
            raise ValueError(f"an array has type {wrong[0]}, not float")
        image, text = (np.array(array, np.float32) for array in read)
    except StorageError:
        raise
    except Exception as error:  # archives and headers fail in many classes
        raise DataError(
            f"{inside[0]} has no pairs of embeddings",
            str(error)[:200],
            "write it with np.savez(FILE, image=..., text=...)",
            param="pairs",
        ) from error
    sound = np.isfinite(image).all() and np.isfinite(text).all()
    if image.ndim != 2 or image.shape != text.shape or not sound:
        raise DataError(
            f"{inside[0]} has no pairs of embeddings",
            f"image is {image.shape}, text is {text.shape}"
            + ("" if sound else ", and some values are NaN or infinite"),
            param="pairs",
        )
    return torch.from_numpy(image), torch.from_numpy(text)
