"""A source of the pictures in a user's folder.

Listing reads names only; whether a file really is a picture shows when it is opened. Links are
followed only if they stay inside the folder.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from PIL import Image

from ddpm_clip.data.pictures.images import SUFFIXES, BadImage, colour, open_image, read_bytes
from ddpm_clip.data.storage.columns import LabelColumn, TextColumn, TextWriter
from ddpm_clip.errors import DataError, MissingInput, PermissionRefused
from ddpm_clip.utils.untrusted import is_there, parse_json, user_path

METADATA = "metadata.jsonl"
MAX_CAPTION = 65_536


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file of a source, before it is opened."""

    path: str
    key: str
    label: str | None = None
    caption: str | None = None


class Files(Sequence[ImageFile]):
    """The files below `root`, kept as columns; each `ImageFile` is made on access.

    Args:
        root: The folder.
        paths: Paths relative to `root`, as the system spells them.
        labels: One label per path.
        captions: One caption per path, or "" without one; None if no path has a caption.
    """

    def __init__(
        self, root: Path, paths: TextColumn, labels: LabelColumn, captions: TextColumn | None = None
    ):
        self._root, self._paths, self._labels, self._captions = str(root), paths, labels, captions

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, i: int) -> ImageFile: ...
    @overload
    def __getitem__(self, i: slice) -> list[ImageFile]: ...

    def __getitem__(self, i: int | slice) -> ImageFile | list[ImageFile]:
        """Return one file, or a list of files for a slice."""
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        path = self._paths[i]
        caption = self._captions[i] if self._captions is not None else ""
        where = os.path.join(self._root, path)
        return ImageFile(where, portable(path), self._labels[i], caption or None)


@dataclass(slots=True, eq=False)
class FileSource:
    """Pictures in files below `root`, in the order of `files`."""

    name: str
    root: Path
    files: Sequence[ImageFile]
    classes: tuple[str, ...]
    background: str = "white"
    other_types: int = field(default=0, compare=False)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> Image.Image:
        """Return picture i, upright; raise `BadImage` if it cannot be used."""
        return open_image(self._read(i), background=self.background, name=self.files[i].path)

    def key(self, i: int) -> str:
        """Return the path below the root, with forward slashes."""
        return self.files[i].key

    def label(self, i: int) -> str | None:
        """Return the class, or None for a file directly in the root."""
        return self.files[i].label

    def caption(self, i: int) -> str | None:
        """Return the caption from the metadata, else from the text file beside the picture."""
        return self.files[i].caption or _caption_beside(self.files[i].path, self.root)

    def facts(self, i: int) -> dict[str, str]:
        """Return {}: files have no facts."""
        return {}

    def digest(self, i: int) -> str:
        """Return the SHA-256 of the file."""
        return hashlib.sha256(self._read(i)).hexdigest()

    def _read(self, i: int) -> bytes:
        path = self.files[i].path
        if not _stays_inside(path, self.root):
            raise BadImage(path, "outside")
        return read_bytes(path)


def read_folder(root: str | Path, split: str = "train", *, background: str = "white") -> FileSource:
    """Read a folder with all its subfolders; the class of a file is the first folder on its path.

    Captions come from `metadata.jsonl` (one object per line: `file_name` and `text` or `caption`)
    in any of the folders, or from a text file of the same stem beside the picture. If a folder
    `train` has a sibling `test`, `val` or `valid`, these are splits and not classes.

    Raises:
        MissingInput: There is no such folder or split.
        DataError: There are no pictures, or a line of the metadata is malformed.
        PermissionRefused: The folder cannot be listed.
    """
    root = _split_folder(checked_folder(root), split)
    colour(background)
    writer, labels, others, captions = TextWriter(), LabelColumn(), 0, dict[str, str]()
    for folder, names in walk(root):
        captions |= _metadata(folder, names, root)
        pictures = [name for name in names if name.lower().endswith(SUFFIXES)]
        for name in pictures:
            path = os.path.relpath(os.path.join(folder, name), root)
            writer.append(path)
            labels.append(first_folder(portable(path)))
        others += sum(name != METADATA for name in names) - len(pictures)
    if not len(writer):
        raise no_images(root, others)
    paths = TextColumn.written(writer)
    texts = (captions.get(os.path.join(root, path), "") for path in paths)
    files = Files(root, paths, labels, TextColumn(texts) if captions else None)
    classes = tuple(sorted(labels.names))
    return FileSource(f"folder:{root}", root, files, classes, background, others)


def checked_folder(root: str | Path) -> Path:
    """Return the absolute path of a folder, after checking that it can be listed.

    Raises:
        MissingInput: The folder does not exist.
        DataError: The path is a file.
        PermissionRefused: The folder cannot be listed.
    """
    path = user_path(root)
    if not is_there(path):
        raise MissingInput(f"folder not found: {str(path)[:200]}", fix="check the path")
    if not path.is_dir():
        raise DataError(f"{path} is a file, not a folder", fix="give the folder that contains it")
    try:
        os.listdir(path)
        return path.resolve()
    except PermissionError as error:
        raise PermissionRefused(f"cannot list folder {path}", str(error.strerror)) from error


def portable(path: str) -> str:
    """Return a path as a key: with forward slashes, and non-UTF-8 bytes in hexadecimal.

    Backslashes are doubled, so that two paths never share a key.
    """
    parts = path.split(os.sep)
    spelt = "/".join(part.replace("\\", "\\\\") for part in parts)
    return os.fsencode(spelt).decode("utf-8", "backslashreplace")


def _split_folder(root: Path, split: str) -> Path:
    """Return the folder of a split; a folder without splits is all for training."""
    divided = (root / "train").is_dir() and any(
        (root / s).is_dir() for s in ("test", "val", "valid")
    )
    if not divided and split == "train":
        return root
    if not divided or not (root / split).is_dir():
        raise MissingInput(f"no split {split!r} in {root}", fix="give the folder of its pictures")
    return root / split


def walk(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield folders with their files, sorted; skip hidden names and linked folders."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if is_shown(name))
        yield folder, sorted(name for name in names if is_shown(name))


def is_shown(name: str) -> bool:
    """Whether a name is neither hidden nor the folder that macOS adds to archives."""
    return not name.startswith(".") and name != "__MACOSX"


def first_folder(key: str) -> str | None:
    """Return the first folder of a key, as its class; None if it has no folder."""
    label, slash, _ = key.partition("/")
    return label if slash else None


def _stays_inside(path: str, root: Path) -> bool:
    try:
        return Path(path).resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links
        return False


def _caption_beside(path: str, root: Path) -> str | None:
    """Return the contents of the text file of the same stem, if there is one inside the root."""
    beside = os.path.splitext(path)[0] + ".txt"
    if not os.path.lexists(beside) or not _stays_inside(beside, root):
        return None
    try:
        return read_bytes(beside)[:MAX_CAPTION].decode("utf-8", "replace").strip() or None
    except BadImage:  # empty or unreadable: then there is no caption
        return None


def _metadata(folder: str, names: list[str], root: Path) -> dict[str, str]:
    """Return the captions in the metadata file of one folder, by path."""
    if METADATA not in names:
        return {}
    captions = {}
    path = os.path.join(folder, METADATA)
    if not _stays_inside(path, root):
        return {}
    for number, line in enumerate(read_bytes(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = parse_json(line, finite=False)
            text = entry.get("text", entry.get("caption"))
            captions[os.path.normpath(os.path.join(folder, entry["file_name"]))] = text
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{path}, line {number} is not a caption",
                str(error),
                'each line needs {"file_name": …, "text": …}',
            ) from error
    return {path: text for path, text in captions.items() if isinstance(text, str)}


def no_images(root: Path, others: int) -> DataError:
    """Return the error for a folder without pictures but with `others` other files."""
    return DataError(
        f"no images found in {root}",
        f"looked for {', '.join(s[1:] for s in SUFFIXES)}; {others} files have other types",
        "give the folder that contains the pictures",
    )
