"""Sources whose pictures are files: a user's folder, and the tree of Tiny ImageNet.

Listing looks at names only; whether a file is a picture is found out when it is opened. Links
are followed only where they stay inside the folder. Knows nothing of sizes or training.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from ddpm_clip.data.images import SUFFIXES, BadImage, colour, open_image, read_bytes
from ddpm_clip.errors import DataError, MissingInput, PermissionRefused

METADATA = "metadata.jsonl"
MAX_CAPTION = 65_536


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file of a source, before it is opened."""

    path: str
    key: str
    label: str | None = None
    caption: str | None = None


@dataclass(slots=True)
class FileSource:
    """Pictures in files below `root`, in the order of `files`."""

    name: str
    root: Path
    files: tuple[ImageFile, ...]
    classes: tuple[str, ...]
    background: str = "white"
    other_types: int = field(default=0, compare=False)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> Image.Image:
        """Picture i, upright; `BadImage` where it cannot be used."""
        return open_image(self._read(i), background=self.background, name=self.files[i].path)

    def key(self, i: int) -> str:
        """The path below the root with forward slashes."""
        return self.files[i].key

    def label(self, i: int) -> str | None:
        """The class, or None for a file that lies in no folder."""
        return self.files[i].label

    def caption(self, i: int) -> str | None:
        """The caption from the metadata, else from the text file beside the picture."""
        return self.files[i].caption or _caption_beside(self.files[i].path, self.root)

    def facts(self, i: int) -> dict[str, str]:
        """Files say nothing about their pictures."""
        return {}

    def digest(self, i: int) -> str:
        """SHA-256 of the file's bytes."""
        return hashlib.sha256(self._read(i)).hexdigest()

    def _read(self, i: int) -> bytes:
        path = self.files[i].path
        if not _stays_inside(path, self.root):
            raise BadImage(path, "outside")
        return read_bytes(path)


def read_folder(root: str | Path, split: str = "train", *,
                background: str = "white") -> FileSource:  # fmt: skip
    """A folder with everything below it; the class of a file is the first folder on its path.

    Captions come from `metadata.jsonl` (an object a line: `file_name` and `text` or `caption`)
    in any of the folders, or from a text file of the same stem beside the picture. Where a folder
    `train` has a sibling `test`, `val` or `valid`, these are splits and not classes.

    Raises:
        MissingInput: there is no such folder or split. DataError: no pictures, or a bad line of
        metadata, with its number. PermissionRefused: it cannot be listed.
    """
    root = _split_folder(checked_folder(root), split)
    colour(background)
    paths, others, captions = [], 0, dict[str, str]()
    for folder, names in _walk(root):
        captions |= _metadata(folder, names, root)
        pictures = [name for name in names if name.lower().endswith(SUFFIXES)]
        paths += [os.path.join(folder, name) for name in pictures]
        others += sum(name != METADATA for name in names) - len(pictures)
    if not paths:
        raise _no_images(root, others)
    files = tuple(_image_file(path, root, captions) for path in paths)
    classes = tuple(sorted({file.label for file in files if file.label is not None}))
    return FileSource(f"folder:{root}", root, files, classes, background, others)


def read_tiny_imagenet(root: str | Path, split: str = "train", *,
                       background: str = "white") -> FileSource:  # fmt: skip
    """The official tree: `train/<wnid>/images/`, `val/` with its annotations, `words.txt`.

    Raises:
        MissingInput: no such folder or split. DataError: no pictures, or a class without a name.
    """
    root = checked_folder(root)
    tree = {"train": "train", "val": "val", "test": "val"}.get(split, split)
    if not (root / tree).is_dir():
        raise MissingInput(
            f"no folder {tree!r} in {root}", fix="give the root of tiny-imagenet-200"
        )
    names = _class_names(root)
    found = _val_files(root) if tree == "val" else _train_files(root)
    files = tuple(
        ImageFile(path, portable(os.path.relpath(path, root)), names.get(wnid, wnid))
        for path, wnid in found
    )
    if not files:
        raise _no_images(root / tree, 0)
    classes = tuple(names.values()) or tuple(sorted({str(file.label) for file in files}))
    return FileSource("tiny-imagenet", root, files, classes, background)


def checked_folder(root: str | Path) -> Path:
    """The absolute path of a folder that is there and can be listed.

    Raises:
        MissingInput: it is not there. DataError: it is a file. PermissionRefused.
    """
    path = Path(root).expanduser()
    try:
        if not path.exists():
            raise MissingInput(f"folder not found: {path}", fix="check the path")
        if not path.is_dir():
            raise DataError(f"{path} is a file, not a folder", fix="give the folder it lies in")
        os.listdir(path)
        return path.resolve()
    except PermissionError as error:
        raise PermissionRefused(f"cannot list folder {path}", str(error.strerror)) from error
    except ValueError as error:  # a NUL character
        raise MissingInput(f"folder not found: {str(path)!r}", str(error)) from error


def portable(path: str) -> str:
    """A path as a key: forward slashes, and bytes that are not UTF-8 spelt out in hexadecimal.

    Backslashes are doubled, so that two paths never share a key.
    """
    parts = path.split(os.sep)
    spelt = "/".join(part.replace("\\", "\\\\") for part in parts)
    return os.fsencode(spelt).decode("utf-8", "backslashreplace")


def _split_folder(root: Path, split: str) -> Path:
    """Where the pictures of a split lie; a folder without splits is all for training."""
    divided = (root / "train").is_dir() and any(
        (root / s).is_dir() for s in ("test", "val", "valid")
    )
    if not divided and split == "train":
        return root
    if not divided or not (root / split).is_dir():
        raise MissingInput(f"no split {split!r} in {root}", fix="give the folder of its pictures")
    return root / split


def _walk(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Folders with their files, sorted; hidden ones and linked folders are passed over."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if _is_shown(name))
        yield folder, sorted(name for name in names if _is_shown(name))


def _is_shown(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"


def _image_file(path: str, root: Path, captions: dict[str, str]) -> ImageFile:
    key = portable(os.path.relpath(path, root))
    label, slash, _ = key.partition("/")
    return ImageFile(path, key, label if slash else None, captions.get(path))


def _stays_inside(path: str, root: Path) -> bool:
    try:
        return Path(path).resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links
        return False


def _caption_beside(path: str, root: Path) -> str | None:
    """The text file of the same stem, if there is one inside the root."""
    beside = os.path.splitext(path)[0] + ".txt"
    if not os.path.lexists(beside) or not _stays_inside(beside, root):
        return None
    try:
        return read_bytes(beside)[:MAX_CAPTION].decode("utf-8", "replace").strip() or None
    except BadImage:  # empty, or no file at all: then there is no caption
        return None


def _metadata(folder: str, names: list[str], root: Path) -> dict[str, str]:
    """Captions by path from the metadata file of one folder."""
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
            entry = json.loads(line)
            text = entry.get("text", entry.get("caption"))
            captions[os.path.normpath(os.path.join(folder, entry["file_name"]))] = text
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{path}, line {number} is no caption", str(error),
                'each line needs {"file_name": …, "text": …}',
            ) from error  # fmt: skip
    return {path: text for path, text in captions.items() if isinstance(text, str)}


def _class_names(root: Path) -> dict[str, str]:
    """From wnid to the first of its words; all of them where two classes share the first."""
    if not (root / "words.txt").is_file():
        return {}
    rows = [line.split("\t", 1) for line in _lines(root / "words.txt")]
    used = {row[0] for row in rows}
    if (root / "wnids.txt").is_file():
        used = set(_lines(root / "wnids.txt"))
    elif (root / "train").is_dir():
        used = set(os.listdir(root / "train"))
    words = {row[0]: row[1] for row in rows if len(row) == 2 and row[0] in used}
    return dict(zip(words, short_names(list(words.values())), strict=True))


def short_names(words: list[str]) -> list[str]:
    """Each list of synonyms cut to its first word, unless two would become the same."""
    first = [text.split(",")[0].strip() for text in words]
    return [short if first.count(short) == 1 else full.strip()
            for short, full in zip(first, words, strict=True)]  # fmt: skip


def _train_files(root: Path) -> Iterator[tuple[str, str]]:
    for folder, names in _walk(root / "train"):
        wnid = os.path.relpath(folder, root / "train").split(os.sep)[0]
        yield from ((os.path.join(folder, n), wnid) for n in names if n.lower().endswith(SUFFIXES))


def _val_files(root: Path) -> Iterator[tuple[str, str]]:
    notes = root / "val" / "val_annotations.txt"
    if not notes.is_file():
        raise MissingInput(f"not found: {notes}", "it tells the classes of the val pictures")
    for line in _lines(notes):
        name, wnid = line.split("\t")[:2]
        yield os.path.join(root, "val", "images", os.path.basename(name)), wnid


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return [line for line in text.splitlines() if line.strip()]


def _no_images(root: Path, others: int) -> DataError:
    return DataError(
        f"no images found in {root}",
        f"looked for {', '.join(s[1:] for s in SUFFIXES)}; {others} files had other types",
        "give the folder that holds the pictures",
    )  # fmt: skip
