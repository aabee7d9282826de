"""Finds the columns of a table of pictures, and reads the picture, label and caption of a row.

Rows are those of the `datasets` package, with pictures left encoded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddpm_clip.data.pictures.images import MAX_BYTES, BadImage, read_bytes
from ddpm_clip.data.remote.streams import Incoming
from ddpm_clip.errors import DataError, StorageError
from ddpm_clip.registry import unknown_name

PICTURES = ("image", "img", "jpg", "jpeg", "png", "webp")
LABELS = ("label", "labels", "class", "cls")
CAPTIONS = ("caption", "captions", "text", "txt")


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """The names of the columns to read, and the class names (`names`) if the table has them."""

    picture: str
    label: str | None
    caption: str | None
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, features: Mapping[str, Any], column: str | None, name: str) -> "ColumnRoles":
        """Find the columns of a table.

        Raises:
            UsageError: There is no column `column`.
            DataError: No column holds pictures.
        """
        if column and column not in features:
            raise unknown_name("column", column, dict.fromkeys(features, 0))
        typed = [key for key, kind in features.items() if type(kind).__name__ == "Image"]
        picture = column or next(iter([*typed, *(key for key in PICTURES if key in features)]), "")
        if not picture:
            raise DataError(
                f"no images found in {name}",
                f"its columns are {', '.join(features)}",
                "name the column with the pictures: hf:PLACE:SPLIT:COLUMN",
            )
        label = next((key for key in LABELS if key in features), None)
        caption = next((key for key in CAPTIONS if key in features), None)
        names = tuple(getattr(features[label], "names", None) or ()) if label else ()
        return cls(picture, label, caption, names)

    def label_of(self, row: Mapping[str, Any]) -> str | None:
        """Return the class of a row."""
        value = row.get(self.label) if self.label else None
        if isinstance(value, int) and not isinstance(value, bool) and self.names:
            return self.names[value] if 0 <= value < len(self.names) else None
        return str(value) if isinstance(value, str | int) and value != "" else None

    def caption_of(self, row: Mapping[str, Any]) -> str | None:
        """Return the caption of a row; if there are several, the first."""
        value = row.get(self.caption) if self.caption else None
        value = value[0] if isinstance(value, list) and value else value
        return value or None if isinstance(value, str) else None

    def bytes_of(
        self, row: Mapping[str, Any], key: str, roots: Sequence[Path], far: str = ""
    ) -> bytes:
        """Return the encoded picture of a row.

        Args:
            row: A row of the table.
            key: Name of the picture in errors.
            roots: Folders; a path is read only if it is below one of them.
            far: Prefix that a remote address must have to be read; "" allows none.

        Raises:
            BadImage: The row has no usable picture.
            StorageError: Fetching it failed.
            DataError: The pictures of a stream are in an archive.
        """
        value = row.get(self.picture)
        if isinstance(value, bytes):
            return value
        if not isinstance(value, Mapping):
            raise BadImage(key, "missing", "its row has no picture")
        if value.get("bytes"):
            return bytes(value["bytes"])
        if not value.get("path"):
            raise BadImage(key, "empty")
        where = str(value["path"])
        if far and far in where:
            return _fetched(where, key, far)
        return _read_below(roots, where, key)

    def incoming(
        self, row: Mapping[str, Any], key: str, roots: Sequence[Path], far: str = ""
    ) -> Incoming:
        """Return a row of a stream; its bytes are empty if it has no usable picture."""
        try:
            data = self.bytes_of(row, key, roots, far)
        except BadImage:
            data = b""
        return Incoming(key, data, self.label_of(row), self.caption_of(row))


def _read_below(roots: Sequence[Path], where: str, key: str) -> bytes:
    """Read a local file, provided that it is below one of `roots` after following links."""
    try:
        path = Path(where).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a NUL, a loop of links
        raise BadImage(key, "outside") from error
    if not any(path.is_relative_to(root) for root in roots):
        raise BadImage(key, "outside")
    return read_bytes(path)


def _fetched(address: str, key: str, far: str) -> bytes:
    """Fetch a file from the hub's repository whose addresses begin with `far`."""
    from datasets.utils.file_utils import xopen

    if f"::{far}" in address:
        raise DataError(
            f"the pictures of {far} are in archives",
            "archives cannot be read as a stream",
            "use hf: instead of hf-stream:",
        )
    if (
        not address.startswith(far) or "::" in address or ".." in address.split("/")
    ):  # the address leads elsewhere
        raise BadImage(key, "outside")
    try:
        with xopen(address, "rb") as file:
            data: bytes = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise BadImage(key, "missing") from error
    except OSError as error:  # a network failure must not silently shrink the data set
        raise StorageError(
            f"reading {address} failed", str(error)[:200], "run the command again"
        ) from error
    if len(data) > MAX_BYTES:
        raise BadImage(key, "too-large", "too many bytes")
    return data
