"""Reads which codecs a Parquet file uses from its footer, without decompressing anything.

The footer is a struct in Thrift's compact protocol (parquet-format, `FileMetaData`):

    4: row_groups -> 1: columns -> 3: meta_data -> 4: codec

PyArrow 26 is not used for this, because damaged size statistics of a column make it end the whole
process.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAGIC = b"PAR1"
LARGEST = 2**20
"""Largest footer in bytes; ours take a thousand per million rows."""

DEEPEST = 32
"""Deepest nesting of structs; a normal footer has eight levels."""

CODECS = ("UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW")
"""Codec names, indexed by their numbers in parquet-format."""

ROW_GROUPS, COLUMNS, META_DATA, CODEC = 4, 1, 3, 4
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
NUMBERS = (4, 5, 6)


def codecs(path: Path) -> set[str]:
    """Return the names of all codecs in a file.

    Raises:
        ValueError: The file has no valid footer.
    """
    try:
        return set(_codecs(_Compact(_footer(path)).struct()))
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("the footer is damaged") from error


def _footer(path: Path) -> bytes:
    with open(path, "rb") as file:
        whole = file.seek(0, os.SEEK_END)
        file.seek(max(0, whole - 8))
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != MAGIC or not 0 < length <= min(LARGEST, whole - 8):
            raise ValueError("it has no Parquet footer")
        file.seek(whole - 8 - length)
        return file.read(length)


def _codecs(facts: dict[int, Any]) -> Iterator[str]:
    for group in facts[ROW_GROUPS]:
        for column in group[COLUMNS]:
            yield CODECS[column[META_DATA][CODEC]]


class _Compact:
    """A reader of Thrift's compact protocol.

    Structs become {field: value}, lists become lists, and doubles and binaries are skipped.
    """

    def __init__(self, data: bytes):
        self._data, self._at, self._depth = data, 0, 0

    def struct(self) -> dict[int, Any]:
        """Return all fields up to the stop byte."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError("the footer is nested too deeply")
        found, field = dict[int, Any](), 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._number()
            kind = head & 15
            found[field] = kind == TRUE if kind in (TRUE, FALSE) else self._value(kind)
        self._depth -= 1
        return found

    def _value(self, kind: int) -> Any:
        if kind in NUMBERS:
            return self._number()
        if kind == STRUCT:
            return self.struct()
        if kind in (LIST, SET):
            return self._list()
        if kind in (TRUE, FALSE, BYTE):  # in a list, one byte each
            return self._byte()
        if kind == DOUBLE:
            return self._passed(8)
        if kind == BINARY:
            return self._passed(self._varint())
        raise ValueError("the footer holds an unexpected type")  # maps included

    def _list(self) -> list[Any]:
        head = self._byte()
        size = head >> 4 if head >> 4 < 15 else self._varint()
        return [self._value(head & 15) for _ in range(size)]  # each takes at least one byte

    def _number(self) -> int:
        """Return a zigzag number: 0, -1, 1, -2, ..."""
        number = self._varint()
        return number >> 1 ^ -(number & 1)

    def _varint(self) -> int:
        number = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
        raise ValueError("the footer holds a number that is too long")

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _passed(self, size: int) -> None:
        self._at += size
        if self._at > len(self._data):
            raise ValueError("the footer is cut off")
