"""The files of an embedding cache: shards of vectors, and the manifest that says whose they are.

A shard is a safetensors file with one fp16 matrix. The manifest is a parquet table with a row an
embedding and, beside it, the SHA-256 of its shard. Knows nothing of embedders.
"""

import hashlib
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ddpm_clip.data.atomic import replacing
from ddpm_clip.errors import StorageError
from ddpm_clip.utils.tensors import load_tensors, save_tensors

MANIFEST = "manifest.parquet"
_SHARD = re.compile(r"shard-\d{5}\.safetensors")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one embedding lies."""

    shard: str
    row: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that a cache holds: (key, content hash) -> place, and the SHA-256 of each shard."""

    places: dict[tuple[str, str], Place]
    hashes: dict[str, str]


def read_manifest(folder: Path) -> Manifest:
    """The rows whose shards are sound.

    A damaged shard is left out with a warning, and so is a damaged manifest: what they held
    counts as missing and can be embedded again.
    """
    path = folder / MANIFEST
    if not path.exists():
        return Manifest({}, {})
    try:
        places, hashes = _parsed(path)
    except Exception as error:  # a damaged table fails in many classes
        warnings.warn(f"{path} is damaged and starts anew: {str(error)[:200]}", stacklevel=3)
        return Manifest({}, {})
    bad = {shard for shard, wanted in hashes.items() if _hash(folder / shard) != wanted}
    for shard in sorted(bad):
        warnings.warn(
            f"{folder / shard} is damaged or gone; its embeddings count as missing", stacklevel=3
        )
    sound = {who: place for who, place in places.items() if place.shard not in bad}
    return Manifest(sound, {s: h for s, h in hashes.items() if s not in bad})


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step."""
    import pyarrow as pa
    from pyarrow import parquet

    places = manifest.places.values()
    # Keys are bytes, because a file's name need not be valid UTF-8.
    table = pa.table(
        {
            "key": pa.array([_bytes(key) for key, _ in manifest.places], pa.binary()),
            "digest": pa.array([digest for _, digest in manifest.places], pa.string()),
            "shard": pa.array([place.shard for place in places], pa.string()),
            "row": pa.array([place.row for place in places], pa.int64()),
            "shard_sha256": pa.array([manifest.hashes[p.shard] for p in places], pa.string()),
        }
    )
    with replacing(folder / MANIFEST) as temporary:
        parquet.write_table(table, temporary)


def write_shard(folder: Path, taken: Iterable[str], embeddings: Tensor) -> tuple[str, str]:
    """Write embeddings (n, e) as the shard after `taken`; gives its name and SHA-256.

    A shard that no manifest names, left by a process that was killed, is overwritten.
    """
    number = 1 + max((int(name[6:11]) for name in taken), default=-1)
    name = f"shard-{number:05d}.safetensors"
    with replacing(folder / name) as temporary:
        save_tensors(temporary, {"embedding": embeddings.half()})
        digest = _hash(temporary)
    return name, digest


def read_rows(folder: Path, places: list[Place], dim: int) -> Tensor:
    """Embeddings (n, dim) float32 in the order of `places`; each shard is read once.

    Raises:
        StorageError: a shard cannot be read or does not hold what the manifest says.
    """
    out = torch.empty(len(places), dim)
    by_shard: dict[str, list[int]] = {}
    for i, place in enumerate(places):
        by_shard.setdefault(place.shard, []).append(i)
    for shard, positions in by_shard.items():
        matrix = _matrix(folder / shard, dim)
        rows = torch.tensor([places[i].row for i in positions])
        if int(rows.min()) < 0 or int(rows.max()) >= len(matrix):
            raise _damaged(
                folder / shard, f"it holds {len(matrix)} rows, fewer than the manifest says"
            )
        out[positions] = matrix[rows].float()
    return out


def _matrix(path: Path, dim: int) -> Tensor:
    try:
        matrix = load_tensors(path)["embedding"]
    except (OSError, KeyError, ValueError) as error:
        raise _damaged(path, str(error)[:200]) from error
    if matrix.ndim != 2 or matrix.shape[1] != dim:
        raise _damaged(path, f"its shape is {tuple(matrix.shape)}, not (n, {dim})")
    return matrix


def _damaged(path: Path, why: str) -> StorageError:
    return StorageError(f"embedding shard is damaged: {path}", why, "run `ddpm-clip embed` again")


def _parsed(path: Path) -> tuple[dict[tuple[str, str], Place], Mapping[str, str]]:
    from pyarrow import parquet

    table = parquet.read_table(path).to_pydict()
    places, hashes = {}, {}
    columns = [table[name] for name in ("key", "digest", "shard", "row", "shard_sha256")]
    for key, digest, shard, row, sha256 in zip(*columns, strict=True):
        if not _SHARD.fullmatch(shard):
            raise ValueError(f"{shard!r} is no shard's name")
        places[key.decode("utf-8", "surrogateescape"), digest] = Place(shard, int(row))
        hashes[shard] = sha256
    return places, hashes


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _hash(path: Path) -> str:
    """SHA-256 of a file in hex; of a file that cannot be read, nothing."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
