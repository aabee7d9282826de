"""Data sets of the Hugging Face hub, and files written by the `datasets` package.

`datasets` is an optional extra, which is imported when such a source is opened. It leaves pictures
encoded; they are decoded with the same limits as any other.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from ddpm_clip.data.pictures.images import open_image
from ddpm_clip.data.remote.hub_rows import ColumnRoles
from ddpm_clip.data.remote.streams import Incoming, Stream, missing_extra
from ddpm_clip.errors import DataError, DdpmClipError, MissingInput, StorageError, UsageError
from ddpm_clip.utils.untrusted import user_path


@dataclass(frozen=True, slots=True)
class Place:
    """A hub name, folder or file, with the requested split and column."""

    name: str
    split: str
    column: str | None = None
    named: bool = field(default=False, compare=False)
    """Whether the user named the split in the text."""

    @classmethod
    def parse(cls, text: str, split: str) -> "Place":
        """Parse `NAME[:SPLIT][:COLUMN]`; the name may be a path with colons in it.

        Raises:
            UsageError: The text has no name, or too many parts.
        """
        parts = text.split(":")
        paths = [n for n in range(len(parts), 0, -1) if _exists(":".join(parts[:n]))]
        taken = paths[0] if paths else 1
        rest = parts[taken:]
        if not text or len(rest) > 2:
            raise UsageError(
                f"hf:{text} is not the name of a data set", fix="hf:NAME[:SPLIT][:COLUMN]"
            )
        own, column = [*rest, "", ""][:2]
        return cls(":".join(parts[:taken]), own or split, column or None, bool(own))


@dataclass(slots=True, eq=False)
class HubSource:
    """The rows of a data set on the local disk; `datasets` memory-maps the table."""

    name: str
    table: Any
    reading: ColumnRoles
    split: str
    roots: tuple[Path, ...]
    classes: tuple[str, ...]
    background: str = "white"

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, i: int) -> Image.Image:
        """Return picture i, upright; raise `BadImage` if it cannot be used."""
        return open_image(self._bytes(i), background=self.background, name=self.key(i))

    def key(self, i: int) -> str:
        """Return split and row."""
        return f"{self.split}-{i:08d}"

    def label(self, i: int) -> str | None:
        """Return the class of row i."""
        return self.reading.label_of(self._row(i, self.reading.label))

    def caption(self, i: int) -> str | None:
        """Return the caption of row i."""
        return self.reading.caption_of(self._row(i, self.reading.caption))

    def facts(self, i: int) -> dict[str, str]:
        """Return {}: hub tables have no facts."""
        return {}

    def digest(self, i: int) -> str:
        """Return the SHA-256 of the encoded picture."""
        return hashlib.sha256(self._bytes(i)).hexdigest()

    def _bytes(self, i: int) -> bytes:
        return self.reading.bytes_of(self._row(i, self.reading.picture), self.key(i), self.roots)

    def _row(self, i: int, column: str | None) -> dict[str, Any]:
        if not 0 <= i < len(self):
            raise IndexError(f"row {i} of {len(self)}")
        if column is None:
            return {}
        row: dict[str, Any] = self.table.select_columns([column])[i]
        return row


def read_dataset(text: str, split: str, *, background: str = "white") -> HubSource:
    """Open a data set with random access; a data set of the hub is downloaded first.

    Raises:
        UsageError: `datasets` is not installed, or there is no such column.
        MissingInput: There is no such data set or split.
        DataError: The data set cannot be read or has no pictures.
    """
    place = Place.parse(text, split)
    table = _opened(place, streaming=False)
    reading = ColumnRoles.of(table.features, place.column, f"hf:{text}")
    table = _encoded(table, reading.picture)
    if len(table) == 0:
        raise DataError(f"no images found in hf:{text}", "the table is empty")
    classes = reading.names
    if not classes:
        classes = _different(table, reading)
    return HubSource(f"hf:{text}", table, reading, place.split, _roots(place), classes, background)


def stream_dataset(text: str, split: str, *, background: str = "white") -> Stream:
    """Open a data set as a stream of rows, over the network or from the disk."""
    place = Place.parse(text, split)
    table = _opened(place, streaming=True)
    if table.features is None:
        with _unbroken(text):
            table = table._resolve_features()
    reading = ColumnRoles.of(table.features, place.column, f"hf-stream:{text}")
    table, roots = _encoded(table, reading.picture), _roots(place)
    far = "" if _exists(place.name) else f"hf://datasets/{place.name}@"
    known = (table.info.splits or {}).get(place.split)

    def start() -> Iterator[Incoming]:
        with _unbroken(text):
            for i, row in enumerate(table):
                yield reading.incoming(row, f"{place.split}-{i:08d}", roots, far)

    total = known.num_examples if known else None
    return Stream(f"hf-stream:{text}", start, total or None, background)


@contextmanager
def _unbroken(text: str) -> Iterator[None]:
    """Turn the many exceptions of reading rows into errors of this package."""
    try:
        yield
    except DdpmClipError:
        raise
    except FileNotFoundError as error:
        raise MissingInput(
            f"a file of hf-stream:{text} was not found",
            str(error)[:300],
            "check the name or path, and the network",
        ) from error
    except Exception as error:
        raise StorageError(
            f"reading hf-stream:{text} failed",
            str(error)[:300] or type(error).__name__,
            "run the command again",
        ) from error


def _opened(place: Place, *, streaming: bool) -> Any:
    """Open the table of one split."""
    try:
        import datasets
    except ImportError as error:
        raise missing_extra(f"hf:{place.name}", "datasets") from error
    datasets.disable_progress_bars()
    path = user_path(place.name)
    try:
        if (path / "state.json").is_file() or (path / "dataset_dict.json").is_file():
            table = datasets.load_from_disk(str(path))
            table = _chosen(table, place) if isinstance(table, dict) else _whole(table, place)
            return table.to_iterable_dataset() if streaming else table
        if path.is_file():
            _whole(path, place)
            kind = {".parquet": "parquet", ".arrow": "arrow"}.get(path.suffix, "parquet")
            return datasets.load_dataset(
                kind, data_files={place.split: str(path)}, split=place.split, streaming=streaming
            )
        name = str(path) if path.is_dir() else place.name
        return datasets.load_dataset(name, split=place.split, streaming=streaming)
    except DdpmClipError:
        raise
    except (FileNotFoundError, ConnectionError) as error:
        raise MissingInput(
            f"no data set hf:{place.name}",
            str(error)[:300],
            "check the name or path, and the network",
        ) from error
    except Exception as error:  # builders raise almost anything
        raise DataError(f"hf:{place.name} cannot be read", str(error)[:300]) from error


def _chosen(splits: dict[str, Any], place: Place) -> Any:
    if place.split not in splits:
        raise UsageError(
            f"unknown split {place.split!r} of {place.name}", f"choose from: {', '.join(splits)}"
        )
    return splits[place.split]


def _whole(table: Any, place: Place) -> Any:
    """Return a table without splits; it is for training unless the user names its split."""
    if place.split != "train" and not place.named:
        raise MissingInput(
            f"no split {place.split!r} in {place.name}",
            "it is a single table without splits",
            f"to use it as this split: hf:{place.name}:{place.split}",
        )
    return table


def _different(table: Any, reading: ColumnRoles) -> tuple[str, ...]:
    """Return the distinct classes in a column of strings or integers; () for other types."""
    if not reading.label:
        return ()
    kind = str(getattr(table.features.get(reading.label), "dtype", ""))
    if not kind.startswith(("string", "large_string", "int", "uint", "bool")):
        return ()
    named = (reading.label_of({reading.label: value}) for value in table.unique(reading.label))
    return tuple(sorted({name for name in named if name}))


def _encoded(table: Any, column: str) -> Any:
    """Return the same table with its pictures left encoded."""
    from datasets import Image as Encoded

    is_typed = type(table.features[column]).__name__ == "Image"
    return table.cast_column(column, Encoded(decode=False)) if is_typed else table


def _roots(place: Place) -> tuple[Path, ...]:
    """Return the folders that rows may point to: the place itself and the download caches.

    Their parents are excluded, because a user's access tokens are stored beside the caches.
    """
    from datasets import config
    from huggingface_hub import constants

    path = user_path(place.name)
    here = [path] if path.is_dir() else []
    caches = (constants.HF_HUB_CACHE, config.HF_DATASETS_CACHE)
    return tuple(root.resolve() for root in [*here, *map(Path, caches)])


def _exists(text: str) -> bool:
    try:
        return bool(text) and user_path(text).exists()
    except (OSError, ValueError, RuntimeError):
        return False
