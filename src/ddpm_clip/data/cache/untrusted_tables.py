"""Reads columns of an untrusted Parquet file within size limits.

A few bytes of Parquet can expand to gigabytes: a long string repeated ten thousand times, a page of
zeros. So a file is read some rows at a time, and rejected once it has grown too large.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddpm_clip.data.cache.parquet_footer import codecs

if TYPE_CHECKING:
    import pyarrow as pa

PIECE, GATHERED = 64, 16_384
"""Rows read at a time, few because one string may be huge; and rows gathered into one chunk."""

LARGER, SLACK = 50, 16 * 2**20
"""Largest ratio of table to file, and bytes allowed on top; our tables have a ratio of three."""

CODECS = ("SNAPPY", "UNCOMPRESSED")
"""Allowed codecs; ours is Snappy, which expands 21 times at most, others ten thousand times."""


def read_columns(
    path: Path, columns: list[str], repeated: list[str]
) -> tuple["pa.Table", "pa.Table"]:
    """Return plain columns, and columns of a few `repeated` strings as dictionaries.

    Raises:
        ValueError: `path` is not a regular file, lacks a column, or expands too much.
        pyarrow.ArrowException, OSError: The file is not valid Parquet.
    """
    from pyarrow import parquet

    if not path.is_file():  # reading a pipe would block
        raise ValueError("it is not a regular file")
    if others := codecs(path) - {*CODECS}:
        raise ValueError(f"it is compressed with {min(others)}")
    size = path.stat().st_size
    with parquet.ParquetFile(path, read_dictionary=repeated) as file:
        _check(file, [*columns, *repeated])
        table = _whole(file, columns, size, PIECE)
        return table, _whole(file, repeated, size, GATHERED).unify_dictionaries()


def _check(file: Any, columns: list[str]) -> None:
    """Check that the columns exist.

    Raises:
        ValueError: A column is missing.
    """
    if missing := set(columns) - set(file.schema_arrow.names):
        raise ValueError(f"it has no column {min(missing)!r}")


def _whole(file: Any, columns: list[str], size: int, piece: int) -> "pa.Table":
    """Read columns of a file of `size` bytes, `piece` rows at a time.

    Raises:
        ValueError: They expand too much.
    """
    import pyarrow as pa

    schema = pa.schema([file.schema_arrow.field(name) for name in columns])
    whole, pieces, grown = list["pa.Table"](), list[Any](), 0
    for batch in file.iter_batches(piece, columns=columns, use_threads=False):
        pieces.append(batch.select(columns))
        grown += batch.nbytes
        if grown > LARGER * size + SLACK:
            raise ValueError(f"its {size:,} bytes expand to {grown:,} or more")
        if len(pieces) * piece >= GATHERED:
            whole.append(pa.Table.from_batches(pieces, schema).combine_chunks())
            pieces = []
    return pa.concat_tables([*whole, pa.Table.from_batches(pieces, schema)])
