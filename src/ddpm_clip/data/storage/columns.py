"""Compact columns as long as a data set: texts end to end with offsets, labels as numbers.

A list of a million Python strings takes a hundred megabytes or more. A column takes only the text
and eight bytes per row, and above 1 MiB it is kept in an unnamed file that the system pages in and
out.
"""

import mmap
import struct
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, overload

import numpy as np
from numpy.typing import NDArray

from ddpm_clip.errors import StorageError

IN_MEMORY = 2**20
"""Largest size in bytes of a column that stays in memory."""

NO_LABEL = -1


class TextColumn(Sequence[str]):
    """An immutable column of texts; made by `TextWriter` or from any texts.

    >>> column = TextColumn(["rose", "", "daisy"])
    >>> column[2], len(column), column[-3:-1] == ["rose", ""]
    ('daisy', 3, True)
    """

    def __init__(self, texts: Iterable[str] = ()):
        writer = TextWriter()
        for text in texts:
            writer.append(text)
        self._letters, self._ends = writer.parts()

    @classmethod
    def written(cls, writer: "TextWriter") -> "TextColumn":
        """Return the texts of a writer, which must not be used afterwards."""
        column = cls.__new__(cls)
        column._letters, column._ends = writer.parts()
        return column

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, i: int) -> str: ...
    @overload
    def __getitem__(self, i: slice) -> list[str]: ...

    def __getitem__(self, i: int | slice) -> str | list[str]:
        """Return one text, or a list of texts for a slice."""
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        row = i + len(self) if i < 0 else i
        if not 0 <= row < len(self):
            raise IndexError(f"row {i} of {len(self)}")
        start, end = self._ends[row : row + 2].tolist()
        return self._letters[start:end].decode("utf-8", "surrogatepass")

    def __eq__(self, other: object) -> bool:
        """Whether `other` is a sequence of the same texts."""
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"TextColumn({self[:3]!r}{' …' if len(self) > 3 else ''}, {len(self)} rows)"


class TextWriter:
    """Collects texts one by one; `TextColumn.written` turns them into a column."""

    def __init__(self) -> None:
        self._letters, self._ends = _Spool(), _Spool()
        self._end = self._rows = 0
        self._ends.write(struct.pack("=q", 0))

    def __len__(self) -> int:
        return self._rows

    def append(self, text: str) -> None:
        """Add one text; even invalid Unicode is returned unchanged."""
        letters = text.encode("utf-8", "surrogatepass")
        self._letters.write(letters)
        self._end += len(letters)
        self._rows += 1
        self._ends.write(struct.pack("=q", self._end))

    def parts(self) -> tuple[bytes | mmap.mmap, NDArray[np.int64]]:
        """Return all texts end to end, and the offsets (rows + 1,) between them."""
        return self._letters.content(), np.frombuffer(self._ends.content(), dtype=np.int64)


class LabelColumn(Sequence[str | None]):
    """A column of class names or None, stored as numbers; rows can be added.

    >>> column = LabelColumn(["rose", None, "rose"])
    >>> list(column), column.names
    (['rose', None, 'rose'], ('rose',))
    """

    def __init__(self, labels: Iterable[str | None] = ()):
        self._codes, self._numbers, self._names = array("i"), dict[str, int](), list[str]()
        for label in labels:
            self.append(label)

    @property
    def names(self) -> tuple[str, ...]:
        """The class names, in order of first occurrence."""
        return tuple(self._names)

    def append(self, label: str | None) -> None:
        """Add one row."""
        if label is not None and label not in self._numbers:
            self._numbers[label] = len(self._names)
            self._names.append(label)
        self._codes.append(NO_LABEL if label is None else self._numbers[label])

    def __len__(self) -> int:
        return len(self._codes)

    @overload
    def __getitem__(self, i: int) -> str | None: ...
    @overload
    def __getitem__(self, i: slice) -> list[str | None]: ...

    def __getitem__(self, i: int | slice) -> str | list[str | None] | None:
        """Return one label, or a list of labels for a slice."""
        if isinstance(i, slice):
            return [self._name(code) for code in self._codes[i]]
        return self._name(self._codes[i])

    def __iter__(self) -> Iterator[str | None]:
        return map(self._name, self._codes)

    def _name(self, code: int) -> str | None:
        return None if code == NO_LABEL else self._names[code]


class _Spool:
    """A byte buffer: in memory while it is small, then in an unnamed file."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._file: BinaryIO | None = None

    def write(self, data: bytes) -> None:
        self._waiting += data
        if len(self._waiting) >= IN_MEMORY:
            self._flush()

    def content(self) -> bytes | mmap.mmap:
        """Return what was written: the bytes if they are few, else a memory map of the file."""
        if self._file is None:
            return bytes(self._waiting)
        self._flush()
        with self._file:  # the map holds it open
            return mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def _flush(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `content`
            self._file.write(self._waiting)
            self._file.flush()
        except OSError as error:
            raise StorageError(
                f"no space for the names of the pictures in {tempfile.gettempdir()}",
                str(error),
                "free disk space, or set TMPDIR to a folder on another disk",
            ) from error
        self._waiting = bytearray()

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()
