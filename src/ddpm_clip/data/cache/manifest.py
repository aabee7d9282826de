"""The manifest of an embedding cache: which shard and row hold which picture's embedding.

`manifest.parquet` is a table with one row per embedding, kept as columns to save memory. Until it
is written again, each new shard has a small table of its own, `rows-00012.parquet`, so that n
shards cost n small writes instead of n growing ones. A killed process leaves these small tables
behind, and they are read like the manifest.
"""

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ddpm_clip.data.cache.shards import shard_name
from ddpm_clip.data.cache.untrusted_tables import read_columns
from ddpm_clip.data.storage.atomic import replacing
from ddpm_clip.errors import DdpmClipWarning
from ddpm_clip.utils.storage import sync

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.parquet"
BLOCK = 65_536
"""Number of rows that are converted to Python objects at a time."""

_SHARD = re.compile(r"shard-(\d{5,})\.safetensors")
_ROWS = re.compile(r"rows-(\d{5,})\.parquet")


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """Maps (key, content hash) to shard and row, and holds the SHA-256 of each shard.

    Args:
        table: Columns `key` (binary), `digest` (string), `shard` and `row` (int32).
        hashes: SHA-256 of each shard, by its number.
    """

    table: "pa.Table"
    hashes: dict[int, str]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def find(self, keys: Sequence[str], digests: Sequence[str]) -> NDArray[np.int64]:
        """Return the table's line for each picture, or -1 if there is none.

        Candidates are found by an 8-byte hash per row; then the full strings are compared, a
        block at a time, so that little memory is needed besides the table.
        """
        found = np.full(len(keys), -1, dtype=np.int64)
        if not len(self):
            return found
        own = self.table.select(["key", "digest"]).combine_chunks()
        hashes = _hashes(own)
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        for start in range(0, len(keys), BLOCK):
            block = slice(start, min(start + BLOCK, len(keys)))
            asked = _columns(keys[block], digests[block])
            sought = _hashes(asked)
            at = np.searchsorted(hashes, sought).clip(max=len(hashes) - 1)
            lines = order[at]
            same = _equal(own.take(lines), asked)
            found[block] = np.where(same & (hashes[at] == sought), lines, -1)
        return found

    def places(self, lines: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return (shards, rows) of some lines of the table."""
        return _numbers(self.table["shard"])[lines], _numbers(self.table["row"])[lines]

    def without(self, shards: Iterable[int]) -> "Manifest":
        """Return the manifest without the rows of some shards."""
        gone = set(shards) & set(self.hashes)
        if not gone:
            return self
        kept = ~np.isin(_numbers(self.table["shard"]), list(gone))
        hashes = {n: h for n, h in self.hashes.items() if n not in gone}
        return Manifest(self.table.filter(kept), hashes)

    def joined(self, newer: "Manifest") -> "Manifest":
        """Return both manifests joined; for a shard in both, the newer one wins."""
        import pyarrow as pa

        older = self.without(newer.hashes)
        table = pa.concat_tables([older.table, newer.table])  # nothing is copied
        return Manifest(table, older.hashes | newer.hashes)


def read_manifest(folder: Path) -> tuple[Manifest, bool]:
    """Return the manifest joined with the small tables beside it, and whether there are any.

    A damaged table is left out with a warning; its embeddings count as missing and can be computed
    again. The shards themselves are not read here.
    """
    waiting = _waiting(folder)
    found = [folder / MANIFEST] if (folder / MANIFEST).exists() else []
    manifest = manifest_of([], [], 0, "")
    for path in [*found, *waiting]:
        try:
            manifest = manifest.joined(_read(path))
        except Exception as error:  # a damaged table fails in many classes
            warnings.warn(
                f"{path} is damaged ({str(error)[:200]}); its embeddings count as missing",
                DdpmClipWarning,
                stacklevel=3,
            )
    return manifest, bool(waiting)


def manifest_of(keys: Sequence[str], digests: Sequence[str], shard: int, sha256: str) -> Manifest:
    """Return the manifest of one shard, in its order; without keys, an empty manifest."""
    import pyarrow as pa

    n, table = len(keys), _columns(keys, digests)
    table = table.append_column("shard", pa.array(np.full(n, shard, np.int32)))
    table = table.append_column("row", pa.array(np.arange(n, dtype=np.int32)))
    return Manifest(table, {shard: sha256} if n else {})


def write_waiting(folder: Path, manifest: Manifest) -> None:
    """Write the rows of one shard beside the manifest."""
    (number,) = manifest.hashes
    _write(folder / f"rows-{number:05d}.parquet", manifest)


def settle(folder: Path, manifest: Manifest) -> None:
    """Write the whole manifest in one step, and delete the small tables beside it."""
    _write(folder / MANIFEST, manifest)
    for path in _waiting(folder):
        path.unlink()
    sync(folder)


def _columns(keys: Sequence[str], digests: Sequence[str]) -> "pa.Table":
    """Return a table of keys and digests; keys are bytes, as file names need not be UTF-8."""
    import pyarrow as pa

    coded = [key.encode("utf-8", "surrogateescape") for key in keys]
    return pa.table(
        {"key": pa.array(coded, pa.binary()), "digest": pa.array(list(digests), pa.string())}
    )


def _waiting(folder: Path) -> list[Path]:
    """Return the paths of the small tables beside the manifest, in the order of their shards."""
    found = [path for path in folder.iterdir() if _ROWS.fullmatch(path.name)]
    return sorted(found, key=lambda path: (len(path.name), path.name))


def _write(path: Path, manifest: Manifest) -> None:
    """Write the table, sorted, so that the same rows give the same bytes in whatever order."""
    import pyarrow as pa
    from pyarrow import parquet

    shards, rows = _numbers(manifest.table["shard"]), _numbers(manifest.table["row"])
    order = np.lexsort((rows, shards))
    numbers, codes = np.unique(shards[order], return_inverse=True)
    codes = codes.astype(np.int32)
    names = [shard_name(int(n)) for n in numbers]
    hashes = [manifest.hashes[int(n)] for n in numbers]
    strings = manifest.table.select(["key", "digest"]).combine_chunks().take(order)
    table = pa.table(
        {
            "key": strings["key"].combine_chunks(),
            "digest": strings["digest"].combine_chunks(),
            "shard": pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string())),
            "row": pa.array(rows[order], pa.int64()),
            "shard_sha256": pa.DictionaryArray.from_arrays(codes, pa.array(hashes, pa.string())),
        }
    )
    with replacing(path) as temporary:
        parquet.write_table(table, temporary)


def _read(path: Path) -> Manifest:
    import pyarrow as pa

    table, shards = read_columns(path, ["key", "digest", "row"], ["shard", "shard_sha256"])
    names, codes = _dictionary(shards["shard"])
    hashes, hash_codes = _dictionary(shards["shard_sha256"])
    numbers = np.array([_number(name) for name in names], dtype=np.int32)
    used, first = np.unique(codes, return_index=True)
    by_shard = {int(numbers[c]): hashes[hash_codes[i]] for c, i in zip(used, first, strict=True)}
    kept = pa.table(
        {
            "key": table["key"].cast(pa.binary()),
            "digest": table["digest"].cast(pa.string()),
            "shard": pa.array(numbers[codes], pa.int32()),
            "row": table["row"].cast(pa.int32()),
        }
    )
    return Manifest(kept, by_shard)


def _number(name: str) -> int:
    match = _SHARD.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not the name of a shard")
    return int(match[1])


def _dictionary(column: Any) -> tuple[list[str], NDArray[np.int32]]:
    """Return the distinct strings of a column, and each row's index into them."""
    array = column.combine_chunks()
    return array.dictionary.to_pylist(), array.indices.to_numpy(zero_copy_only=False)


def _numbers(column: Any) -> NDArray[np.int32]:
    return np.asarray(column.to_numpy(), dtype=np.int32)


def _hashes(table: "pa.Table") -> NDArray[np.int64]:
    """Return an 8-byte hash of each row; collisions are rare."""
    out = np.empty(table.num_rows, dtype=np.int64)
    at = 0
    for batch in table.to_batches(max_chunksize=BLOCK):
        pairs = zip(batch["key"].to_pylist(), batch["digest"].to_pylist(), strict=True)
        out[at : at + batch.num_rows] = np.fromiter(map(hash, pairs), np.int64, batch.num_rows)
        at += batch.num_rows
    return out


def _equal(left: "pa.Table", right: "pa.Table") -> NDArray[np.bool_]:
    from pyarrow import compute

    keys, digests = (compute.equal(left[name], right[name]) for name in ("key", "digest"))
    return np.asarray(compute.and_(keys, digests).to_numpy(), dtype=np.bool_)
