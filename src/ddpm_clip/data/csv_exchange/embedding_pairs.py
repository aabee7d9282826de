"""Pairs of embeddings as a file: `image` (n, e) and `text` (n, e) in an npz, row by row.

Knows nothing of who made the embeddings.
"""

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
"""An array of more MiB is at most so many times larger than in its pack: numbers hardly pack."""


def read_pairs(path: str | Path) -> tuple[Tensor, Tensor]:
    """Images (n, e) and texts (n, e), float32, of a file or of the one npz in a folder.

    Raises:
        MissingInput: there is no such file.
        DataError: it holds no such arrays, or values that are no numbers.
    """
    path = user_path(path)
    inside = sorted(path.glob("*.npz")) if is_there(path) and path.is_dir() else [path]
    if len(inside) != 1 or not is_file(inside[0]):
        raise MissingInput(
            f"no pairs in {str(path)[:200]}",
            "an npz file with `image` and `text` is wanted",
            "give the file itself",
            param="pairs",
        )
    try:
        with zipfile.ZipFile(inside[0]) as archive:
            read = [unpacked(archive, name, IN_MEMORY_MB, PACKED) for name in ARRAYS]
        if wrong := [array.dtype for array in read if array.dtype.kind != "f"]:
            raise ValueError(f"an array holds {wrong[0]}")
        image, text = (np.array(array, np.float32) for array in read)
    except StorageError:
        raise
    except Exception as error:  # archives and headers fail in many classes
        raise DataError(
            f"{inside[0]} holds no pairs",
            str(error)[:200],
            "write it with np.savez(FILE, image=..., text=...)",
            param="pairs",
        ) from error
    sound = np.isfinite(image).all() and np.isfinite(text).all()
    if image.ndim != 2 or image.shape != text.shape or not sound:
        raise DataError(
            f"{inside[0]} holds no pairs",
            f"image is {image.shape}, text is {text.shape}"
            + ("" if sound else ", and some values are no numbers"),
            param="pairs",
        )
    return torch.from_numpy(image), torch.from_numpy(text)
