"""Reads the idx files in which MNIST and Fashion-MNIST are published, gzipped or not."""

import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ddpm_clip.data.local.npz import ArraySource, named, row_keys
from ddpm_clip.errors import DataError, MissingInput
from ddpm_clip.utils.untrusted import read_bytes

MAX_BYTES = 2**30
"""Largest decompressed file; the largest published one is a twentieth of this."""


def read_idx_folder(folder: Path, name: str, split: str, classes: Sequence[str]) -> ArraySource:
    """Read a folder of the official files of MNIST or Fashion-MNIST, gzipped or not.

    Raises:
        MissingInput: A file is missing.
        DataError: A file is not a valid idx file, or images and labels do not match.
    """
    stem = "train" if split == "train" else "t10k"
    images = read_idx(_idx_file(folder, stem, "images", 3))
    labels = read_idx(_idx_file(folder, stem, "labels", 1))
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise DataError(f"images {images.shape} and labels {labels.shape} do not match in {folder}")
    known, words = named(labels, classes, folder)
    return ArraySource(name, images, row_keys(None, len(images), f"{split}_"), known, words)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an idx file of bytes: magic 0, 0, 8, number of axes, then their lengths, then data."""
    try:
        raw = read_bytes(path, MAX_BYTES)
        if raw[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
                raw = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"cannot decompress {path}", str(error)) from error
    if len(raw) > MAX_BYTES:
        raise DataError(f"{path} is too large", f"it expands to more than {MAX_BYTES:,} bytes")
    axes = raw[3] if len(raw) > 4 and raw[:3] == b"\x00\x00\x08" else 0
    head = 4 + 4 * axes
    shape = tuple(int(n) for n in np.frombuffer(raw[4:head], ">u4")) if len(raw) >= head else ()
    if axes == 0 or len(shape) != axes or len(raw) - head != np.prod(shape, dtype=object):
        raise DataError(
            f"{path} is not a complete idx file", "its length does not match its header"
        )
    return np.frombuffer(raw, np.uint8, offset=head).reshape(shape)


def has_idx_files(folder: Path) -> bool:
    """Whether `folder` has training images named like those of MNIST."""
    try:
        return _idx_file(folder, "train", "images", 3).is_file()
    except MissingInput:
        return False


def _idx_file(folder: Path, stem: str, what: str, axes: int) -> Path:
    names = [f"{stem}-{what}{dot}idx{axes}-ubyte{gz}" for dot in "-." for gz in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise MissingInput(f"not found in {folder}: {names[0]}", "with or without .gz")
