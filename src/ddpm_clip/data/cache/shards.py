"""The shards of an embedding cache: safetensors files of one fp16 matrix each.

Which row belongs to which picture is recorded in `manifest`.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ddpm_clip.data.storage.atomic import replacing
from ddpm_clip.errors import StorageError
from ddpm_clip.utils.storage import sha256
from ddpm_clip.utils.tensors import load_tensors, save_tensors


def shard_name(number: int) -> str:
    """Return the file name of one shard."""
    return f"shard-{number:05d}.safetensors"


def write_shard(folder: Path, number: int, embeddings: Tensor) -> str:
    """Write embeddings (n, e) as one shard and return its SHA-256; replaces an existing file."""
    with replacing(folder / shard_name(number)) as temporary:
        save_tensors(temporary, {"embedding": embeddings.half()})
        return file_hash(temporary)


def unsound(folder: Path, hashes: dict[int, str], numbers: Iterable[int]) -> list[int]:
    """Return the numbers of shards that are missing or do not match their SHA-256, ascending."""
    numbers = sorted(numbers)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:  # hashing releases the GIL
        found = list(pool.map(lambda number: file_hash(folder / shard_name(number)), numbers))
    return [n for n, hash_ in zip(numbers, found, strict=True) if hash_ != hashes[n]]


def read_rows(
    folder: Path, shards: NDArray[np.int32], rows: NDArray[np.int32], out: Tensor
) -> Tensor:
    """Fill `out` (n, e), of any floating type, with row `rows[i]` of shard `shards[i]`.

    Shards are read one at a time, each once.

    Raises:
        StorageError: A shard cannot be read, or does not match the manifest.
    """
    order = np.argsort(shards, kind="stable")
    numbers, starts = np.unique(shards[order], return_index=True)
    for number, positions in zip(numbers, np.split(order, starts)[1:], strict=True):
        path = folder / shard_name(int(number))
        matrix, wanted = _matrix(path, out.shape[1]), rows[positions]
        if wanted.min() < 0 or wanted.max() >= len(matrix):
            raise _damaged(path, f"it has {len(matrix)} rows, fewer than the manifest says")
        found = matrix[torch.from_numpy(wanted).long()]
        if not bool(found.isfinite().all()):
            raise _damaged(path, "it has NaN or infinite values")
        out[torch.from_numpy(positions)] = found.to(out.dtype)
    return out


def _matrix(path: Path, dim: int) -> Tensor:
    try:
        matrix = load_tensors(path)["embedding"]
    except (OSError, KeyError, ValueError) as error:
        raise _damaged(path, str(error)[:200]) from error
    if matrix.ndim != 2 or matrix.shape[1] != dim or matrix.dtype != torch.float16:
        what = f"{matrix.dtype} {tuple(matrix.shape)}"
        raise _damaged(path, f"it holds {what}, not fp16 (n, {dim})")
    return matrix


def _damaged(path: Path, why: str) -> StorageError:
    return StorageError(f"embedding shard is damaged: {path}", why, "run `ddpm-clip embed` again")


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hex, or "" if it cannot be read."""
    try:
        return sha256(path)
    except OSError:
        return ""
