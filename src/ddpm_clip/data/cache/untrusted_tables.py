"""Columns of a Parquet file that somebody else may have made, unpacked within reason.

A few bytes of Parquet can mean gigabytes: one long string ten thousand times, a page of zeros. So
it is read some rows at a time, and given up once it has grown too much. Knows nothing of what the
columns mean.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddpm_clip.data.cache.parquet_footer import codecs

if TYPE_CHECKING:
    import pyarrow as pa

PIECE, GATHERED = 64, 16_384
"""Strings that are read at a time, for each may be as long as all the others; those in a row."""

LARGER, SLACK = 50, 16 * 2**20
"""A table may be so many times larger than its file, and some bytes; ours are three times."""

CODECS = ("SNAPPY", "UNCOMPRESSED")
"""Ours is the first. It makes 21 bytes of one at most, others ten thousand."""


def read_columns(
    path: Path, columns: list[str], repeated: list[str]
) -> tuple["pa.Table", "pa.Table"]:
    """Some columns as they are, and some in which few strings repeat as dictionaries.

    Raises:
        ValueError: no regular file, a column is absent, or it unpacks to too much.
        pyarrow.ArrowException, OSError: no sound Parquet.
    """
    from pyarrow import parquet

    if not path.is_file():  # a pipe would be waited for
        raise ValueError("it is no regular file")
    if others := codecs(path) - {*CODECS}:
        raise ValueError(f"it is compressed by {min(others)}")
    size = path.stat().st_size
    with parquet.ParquetFile(path, read_dictionary=repeated) as file:
        _check(file, [*columns, *repeated])
        table = _whole(file, columns, size, PIECE)
        return table, _whole(file, repeated, size, GATHERED).unify_dictionaries()


def _check(file: Any, columns: list[str]) -> None:
    """See that the columns are there.

    Raises:
        ValueError: they are not.
    """
    if missing := set(columns) - set(file.schema_arrow.names):
        raise ValueError(f"it has no column {min(missing)!r}")


def _whole(file: Any, columns: list[str], size: int, piece: int) -> "pa.Table":
    """Columns of a file of `size` bytes, some rows at a time.

    Raises:
        ValueError: they grow too much.
    """
    import pyarrow as pa

    schema = pa.schema([file.schema_arrow.field(name) for name in columns])
    whole, pieces, grown = list["pa.Table"](), list[Any](), 0
    for batch in file.iter_batches(piece, columns=columns, use_threads=False):
        pieces.append(batch.select(columns))
        grown += batch.nbytes
        if grown > LARGER * size + SLACK:
            raise ValueError(f"its {size:,} bytes unpack to more than {grown:,}")
        if len(pieces) * piece >= GATHERED:
            whole.append(pa.Table.from_batches(pieces, schema).combine_chunks())
            pieces = []
    return pa.concat_tables([*whole, pa.Table.from_batches(pieces, schema)])
