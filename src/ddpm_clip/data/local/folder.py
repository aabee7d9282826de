"""Lists the pictures in a user's folder.

Names and the first bytes of PNG and GIF files are read, to tell outputs of this package apart;
whether a file really is a picture shows when it is opened.
"""

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ddpm_clip.data.local.file_source import Files, FileSource, portable, stays_inside
from ddpm_clip.data.local.own_outputs import MAX_FACTS, folder_kind, may_be_ours, picture_kind
from ddpm_clip.data.local.written_captions import METADATA, is_caption, read_metadata
from ddpm_clip.data.pictures.formats import SUFFIXES, is_picture
from ddpm_clip.data.pictures.images import colour, read_bytes
from ddpm_clip.data.pictures.left_out import LINKS, LOCKED, PAINTED, LeftOut
from ddpm_clip.data.storage.columns import LabelColumn, TextColumn, TextWriter
from ddpm_clip.errors import DataError, MissingInput, PermissionRefused
from ddpm_clip.utils import untrusted
from ddpm_clip.utils.locks import LOCK
from ddpm_clip.utils.untrusted import is_there, user_path

_CAUTIOUS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def read_folder(root: str | Path, split: str = "train", *, background: str = "white") -> FileSource:
    """Read a folder with all its subfolders; the class of a file is the first folder on its path.

    Captions come from `metadata.jsonl` (one object per line: `file_name` and `text` or `caption`)
    in any of the folders, or from a text file of the same stem beside the picture. If a folder
    `train` has a sibling `test`, `val` or `valid`, these are splits and not classes.

    Outputs of this package are skipped: runs and packed models with all they hold, sheets, figures,
    and painted pictures. A folder of nothing but painted pictures is read like any other.

    Raises:
        MissingInput: There is no such folder or split.
        DataError: There are no pictures, or a line of the metadata is malformed.
        PermissionRefused: The folder cannot be listed.
    """
    root = _split_folder(checked_folder(root), split)
    colour(background)
    found, painted, left_out = _Listing(root), _Listing(root), LeftOut()
    captions = dict[str, str]()
    for folder, names in _own_folders_apart(root, left_out):
        captions |= _metadata(folder, names, root)
        pictures = [name for name in names if is_picture(name)]
        for name in pictures:
            kind = _output_kind(os.path.join(folder, name))
            if kind is None:
                found.add(folder, name)
            else:
                left_out.own[kind] += 1
            if kind == PAINTED:
                painted.add(folder, name)
        _count_others(names, pictures, left_out)
    if not len(found) and len(painted):
        found, left_out.own[PAINTED] = painted, 0
    if not len(found):
        raise no_images(root, left_out)
    files = found.files(captions)
    return FileSource(f"folder:{root}", root, files, found.classes, background, left_out)


class _Listing:
    """Collects the pictures of a folder as columns."""

    def __init__(self, root: Path):
        self._root, self._paths, self._labels = root, TextWriter(), LabelColumn()

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(sorted(self._labels.names))

    def add(self, folder: str, name: str) -> None:
        path = os.path.relpath(os.path.join(folder, name), self._root)
        self._paths.append(path)
        self._labels.append(first_folder(portable(path)))

    def files(self, captions: dict[str, str]) -> Files:
        """Return the files, with captions by absolute path; nothing can be added afterwards."""
        paths = TextColumn.written(self._paths)
        texts = (captions.get(os.path.join(self._root, path), "") for path in paths)
        return Files(self._root, paths, self._labels, TextColumn(texts) if captions else None)


def _own_folders_apart(root: Path, left_out: LeftOut) -> Iterator[tuple[str, list[str]]]:
    """Walk a folder without the runs and packed models in it, which are counted."""
    inside = None
    for folder, names in walk(root, left_out):
        if inside is not None and folder.startswith(inside):
            continue
        kind = folder_kind(names, partial(_facts, Path(folder)))
        if kind is None or folder == str(root):
            yield folder, names
        else:
            left_out.own[kind] += 1
            inside = os.path.join(folder, "")


def _facts(folder: Path, name: str) -> bytes:
    return untrusted.read_bytes(folder / name, MAX_FACTS)


def _output_kind(path: str) -> str | None:
    """Return which output of ours a picture is; a pipe does not block, a link is not followed."""
    if not may_be_ours(path):
        return None
    try:
        handle = os.open(path, os.O_RDONLY | _CAUTIOUS)
        with open(handle, "rb") as file:
            return picture_kind(file) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    except OSError:
        return None


def _count_others(names: list[str], pictures: list[str], left_out: LeftOut) -> None:
    stems = {os.path.splitext(name)[0] for name in pictures}
    known = {METADATA, LOCK, *pictures}
    for name in names:
        if name not in known and not is_caption(name, stems):
            left_out.add(name)


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


def walk(root: Path, left_out: LeftOut | None = None) -> Iterator[tuple[str, list[str]]]:
    """Yield folders with their files, sorted, each folder right before its subfolders.

    Hidden names are skipped, and so are linked folders and those that cannot be listed; these two
    are counted in `left_out`.
    """
    counted = LeftOut() if left_out is None else left_out
    for folder, folders, names in os.walk(root, onerror=lambda _: counted.count(LOCKED)):
        folders[:] = sorted(name for name in folders if is_shown(name))
        for name in folders:
            if os.path.islink(os.path.join(folder, name)):
                counted.count(LINKS)
        yield folder, sorted(name for name in names if is_shown(name))


def is_shown(name: str) -> bool:
    """Whether a name is neither hidden nor the folder that macOS adds to archives."""
    return not name.startswith(".") and name != "__MACOSX"


def first_folder(key: str) -> str | None:
    """Return the first folder of a key, as its class; None if it has no folder."""
    label, slash, _ = key.partition("/")
    return label if slash else None


def _metadata(folder: str, names: list[str], root: Path) -> dict[str, str]:
    """Return the captions in the metadata file of one folder, by absolute path."""
    path = os.path.join(folder, METADATA)
    if METADATA not in names or not stays_inside(path, root):
        return {}
    found = read_metadata(read_bytes(path), path)
    return {os.path.normpath(os.path.join(folder, name)): text for name, text in found.items()}


def no_images(root: str | Path, left_out: LeftOut) -> DataError:
    """Return the error for a place without pictures but with other files."""
    why = f"looked for {', '.join(s[1:] for s in SUFFIXES)}; "
    lines = left_out.lines()
    return DataError(
        f"no images found in {root}",
        why + (f"found {'; '.join(lines)}" if lines else "there are no other files"),
        "give the folder that contains the pictures",
    )
