"""Sources of pictures in an array, and the reader of the npz packs that hold such arrays.

Packs are read without pickle and checked once; after that, row i is picture i.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray
from PIL import Image

from ddpm_clip.data.local.npz_arrays import unpacked
from ddpm_clip.data.local.tiny_imagenet import short_names
from ddpm_clip.data.pictures.images import colour, flatten, open_image, pixel_digest
from ddpm_clip.data.storage.columns import LabelColumn, TextColumn
from ddpm_clip.errors import DataError, MissingInput, StorageError
from ddpm_clip.registry import unknown_name
from ddpm_clip.utils.untrusted import is_file, read_bytes, user_path

MAX_LABELS = 16 * 2**20
"""Largest labels.txt in bytes."""

Names = Sequence[str]
Pack = Mapping[str, NDArray[Any]]
COLUMNS = ("labels", "captions", "names", "files", "keys")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Encoded pictures, end to end: picture i is data[offsets[i]:offsets[i+1]]."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> bytes:
        """Return the encoded bytes of picture i."""
        return self.data[self.offsets[i] : self.offsets[i + 1]].tobytes()


@dataclass(slots=True, eq=False)
class ArraySource:
    """Pictures in an array or memory map: uint8 (n, h, w) or (n, h, w, c), or encoded."""

    name: str
    images: NDArray[np.uint8] | Encoded
    keys: Names
    classes: tuple[str, ...] = ()
    labels: Sequence[str | None] | None = None
    captions: Names | None = None
    background: str = "white"

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> Image.Image:
        """Return picture i, RGB or L."""
        if not 0 <= i < len(self):
            raise IndexError(f"picture {i} of {len(self)}")
        stored = self.images[i]
        if isinstance(stored, bytes):
            return open_image(stored, background=self.background, name=self.keys[i])
        pixels = stored[..., 0] if stored.ndim == 3 and stored.shape[-1] == 1 else stored
        return flatten(Image.fromarray(pixels), colour(self.background))

    def key(self, i: int) -> str:
        """Return the key in the pack, else split and row."""
        return self.keys[i]

    def label(self, i: int) -> str | None:
        """Return the class of row i."""
        return self.labels[i] if self.labels is not None else None

    def caption(self, i: int) -> str | None:
        """Return the caption of row i."""
        return (self.captions[i] or None) if self.captions is not None else None

    def facts(self, i: int) -> dict[str, str]:
        """Return {}: packs have no facts."""
        return {}

    def digest(self, i: int) -> str:
        """Return the SHA-256 of the encoded bytes in the pack, else of the pixels."""
        stored = self.images[i]
        if isinstance(stored, bytes):
            return hashlib.sha256(stored).hexdigest()
        return pixel_digest(self[i])


def read_npz(
    path: str | Path,
    split: str | None = None,
    *,
    classes: Sequence[str] = (),
    background: str = "white",
) -> ArraySource:
    """Read a pack of arrays `images` or `<split>_images`, or `<split>_jpeg` and `<split>_offsets`.

    The pack may also have labels, captions, and keys (or names, or files), with the same prefix.
    Class names come from `classes`, else from `labels.txt` in the same folder.

    Raises:
        MissingInput: There is no such file.
        DataError: The file is not a pack, or its arrays contradict each other.
        UsageError: The pack has no such split.
    """
    path = user_path(path)
    if not is_file(path):
        raise MissingInput(f"pack not found: {str(path)[:200]}", fix="check the path after npz:")
    with path.open("rb") as file, _load_pack(file, path) as pack:
        prefix = _prefix(pack, split, path)
        images = _images(pack, prefix, path)
        columns = {name: _column(pack, prefix + name, len(images), path) for name in COLUMNS}
    if len(images) == 0:
        raise DataError(f"no images found in {path}", "its array is empty")
    classes, labels = named(columns["labels"], classes or labels_beside(path), path)
    names = next((columns[n] for n in ("keys", "names", "files") if columns[n] is not None), None)
    keys = row_keys(names, len(images), prefix or "row_")
    captions = None if columns["captions"] is None else TextColumn(map(str, columns["captions"]))
    return ArraySource(f"npz:{path}", images, keys, classes, labels, captions, background)


def _load_pack(file: BinaryIO, path: Path) -> NpzFile:
    try:
        pack = np.load(file, allow_pickle=False)
    except Exception as error:  # archives fail in many classes
        raise DataError(f"{path} is not an npz pack", str(error)[:200]) from error
    if not isinstance(pack, NpzFile):
        raise DataError(f"{path} is not an npz pack", "it holds a single array without a name")
    return pack


def _array(pack: Pack, name: str, path: Path) -> NDArray[Any]:
    try:
        return unpacked(pack.zip, name) if isinstance(pack, NpzFile) and pack.zip else pack[name]
    except StorageError:
        raise
    except Exception as error:  # archives and headers fail in many classes
        raise DataError(f"cannot read array {name!r} of {path}", str(error)[:200]) from error


def _prefix(pack: Mapping[str, object], split: str | None, path: Path) -> str:
    """Return the prefix of the arrays of a split: "train_", "test_" or ""."""
    ends = ("images", "jpeg")
    found = [name.removesuffix(end) for name in pack for end in ends if name.endswith(end)]
    if not found:
        have = ", ".join(pack) or "nothing"
        raise DataError(f"no images found in {path}", f"it holds {have}", "name an array `images`")
    if f"{split or 'train'}_" in found:
        return f"{split or 'train'}_"
    if "" in found and split in (None, "train"):
        return ""
    raise unknown_name("split", split or "train", {name.rstrip("_"): 0 for name in found})


def _images(pack: Pack, prefix: str, path: Path) -> NDArray[np.uint8] | Encoded:
    if f"{prefix}images" not in pack:
        data, offsets = _array(pack, f"{prefix}jpeg", path), _array(pack, f"{prefix}offsets", path)
        rising = offsets.ndim == 1 and len(offsets) > 0 and bool(np.all(np.diff(offsets) >= 0))
        if data.dtype != np.uint8 or not rising or offsets[0] < 0 or offsets[-1] > data.size:
            raise DataError(f"the offsets in {path} do not match its data")
        return Encoded(data.ravel(), offsets.astype(np.int64))
    images = _array(pack, f"{prefix}images", path)
    colours = images.shape[3] if images.ndim == 4 else 1
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or colours not in (1, 3, 4):
        raise DataError(
            f"{path}: images are {images.dtype} {images.shape}",
            "they must be uint8 (n, h, w) or (n, h, w, c) with 1, 3 or 4 channels",
        )
    return images


def _column(pack: Pack, name: str, n: int, path: Path) -> NDArray[Any] | None:
    if name not in pack:
        return None
    column = _array(pack, name, path)
    if column.shape != (n,):
        raise DataError(f"{path}: {name} has shape {column.shape}", f"there are {n} images")
    return column


def named(
    labels: NDArray[Any] | None, classes: Sequence[str], path: Path
) -> tuple[tuple[str, ...], LabelColumn | None]:
    """Return the class names, and the class name of every row."""
    if labels is None:
        return (), None
    if labels.dtype.kind not in "iu":
        words = LabelColumn(map(str, labels))
        return tuple(sorted(words.names)), words
    if not classes:
        return tuple(str(v) for v in np.unique(labels)), LabelColumn(map(str, labels))
    if int(labels.min()) < 0 or int(labels.max()) >= len(classes):
        raise DataError(f"{path}: a label is {labels.max()}", f"there are {len(classes)} classes")
    return tuple(classes), LabelColumn(classes[int(label)] for label in labels)


def labels_beside(path: Path) -> list[str]:
    """Return the class names in `labels.txt` beside a pack, or [] if there is no such file."""
    beside = path.with_name("labels.txt")
    return read_labels(beside) if beside.is_file() else []


def read_labels(path: Path) -> list[str]:
    """Read class names, one per line; from `id TAB synonyms`, the first synonym.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is too large.
    """
    lines = read_bytes(path, MAX_LABELS).decode("utf-8", "replace").splitlines()
    return short_names([line.rpartition("\t")[2] for line in lines if line.strip()])


def row_keys(names: NDArray[Any] | None, n: int, prefix: str) -> TextColumn:
    """Return the pack's own names if they are unique, else the prefix and row number."""
    if names is not None and len(np.unique(names)) == n:
        return TextColumn(map(str, names))
    return TextColumn(f"{prefix.replace('_', '-')}{i:06d}" for i in range(n))
