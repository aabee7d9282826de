"""Takes the embeddings of a CSV file into the cache of a run, after checking whose they are.

A CSV says neither which embedder wrote it nor what the pictures looked like then. So a few pictures
are embedded again and compared.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.config.schema import DataConfig
from ddpm_clip.data.cache.embeddings import EmbeddingCache
from ddpm_clip.data.csv_exchange.embedding_csv import EmbeddingTable, read_csv
from ddpm_clip.data.pictures.crops import cropped
from ddpm_clip.errors import DataError
from ddpm_clip.types import Embedder, ImageSource, Item
from ddpm_clip.utils.untrusted import user_path

IMPORTED = "embeddings.csv"
"""The copy of the file in the run; it is deleted when its rows are in the cache."""

COMPARED = 8
"""Pictures that are embedded again."""

ALIKE = 0.95
"""Least cosine of both embeddings; resizing before or after the crop leaves more than that."""

SHARD = 4096
"""Embeddings in one shard."""


def import_csv(
    folder: Path,
    cache: EmbeddingCache,
    source: ImageSource,
    indices: Sequence[int],
    keys: Sequence[str],
    digests: Sequence[str],
    embedder: Embedder,
    data: DataConfig,
) -> None:
    """Add the rows of the CSV in a run's folder to its cache; without such a file, do nothing.

    Args:
        folder: folder of the run.
        cache: cache of the pictures as they are.
        source: all pictures.
        indices: numbers of the usable pictures in the source.
        keys: their keys.
        digests: their content hashes.
        embedder: the embedder of the run.
        data: settings of the crop.

    Raises:
        DataError: the CSV is malformed, is of other pictures, or is of another embedder.
    """
    path = folder / IMPORTED
    if not path.is_file():
        return
    table = read_csv(path)
    if table.embeddings.shape[1] != embedder.dim:
        raise DataError(
            f"the CSV has embeddings of size {table.embeddings.shape[1]}",
            f"those of {embedder.name} have size {embedder.dim}",
            "name the embedder that wrote it: --set embedder.model=…",
            param="embeddings",
        )
    rows = matched(table, keys, data.source)
    if not rows:
        raise DataError(
            "the CSV is of other pictures",
            f"none of its {len(table.keys)} paths, such as {table.keys[0]}, is one of the "
            f"{len(keys)} pictures",
            "run in the folder from which its paths are valid",
            param="embeddings",
        )
    absent = [at for at in cache.missing(keys, digests) if at in rows]
    unit = F.normalize(table.embeddings, dim=1)
    for at in absent[:: max(1, len(absent) // COMPARED)][:COMPARED]:
        image = source[indices[at]].convert("L" if data.channels == 1 else "RGB")
        item = Item(
            keys[at], cropped(image, data.image_size, data.crop), source.label(indices[at]), None
        )
        _compare(embedder.embed_items([item])[0], unit[rows[at]], keys[at], embedder.name)
    for start in range(0, len(absent), SHARD):
        part = absent[start : start + SHARD]
        found = unit[torch.tensor([rows[at] for at in part])]
        cache.append([keys[at] for at in part], [digests[at] for at in part], found)
    cache.settle()
    path.unlink()


def matched(table: EmbeddingTable, keys: Sequence[str], source: str | None) -> Mapping[int, int]:
    """Return which row of a CSV belongs to which picture: by key, or by path on this disk."""
    row_of = {os.path.abspath(user_path(key)): row for row, key in enumerate(table.keys)}
    row_of |= {key: row for row, key in enumerate(table.keys)}
    root = os.path.abspath(source or "")
    found = {
        at: row_of.get(key, row_of.get(os.path.join(root, key))) for at, key in enumerate(keys)
    }
    return {at: row for at, row in found.items() if row is not None}


def _compare(now: Tensor, then: Tensor, key: str, embedder: str) -> None:
    cosine = float(torch.cosine_similarity(now.detach().cpu().float(), then, dim=0))
    if cosine < ALIKE:
        raise DataError(
            "the CSV is of another embedder, or the pictures have changed",
            f"the embedding of {key} has cosine {cosine:.2f} with the one that {embedder} "
            "computes now",
            "name the embedder that wrote it: --set embedder.model=…",
            param="embeddings",
        )
