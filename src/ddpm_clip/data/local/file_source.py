"""A source of picture files, whatever lists them.

Listing keeps names only; whether a file really is a picture shows when it is opened. Links are
followed only if they stay inside the folder.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from PIL import Image

from ddpm_clip.data.local.written_captions import BESIDE, caption_of
from ddpm_clip.data.pictures.images import BadImage, open_image, read_bytes
from ddpm_clip.data.pictures.left_out import LeftOut
from ddpm_clip.data.storage.columns import LabelColumn, TextColumn


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
    left_out: LeftOut = field(default_factory=LeftOut)

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
        if not stays_inside(path, self.root):
            raise BadImage(path, "outside")
        return read_bytes(path)


def portable(path: str) -> str:
    """Return a path as a key: with forward slashes, and non-UTF-8 bytes in hexadecimal.

    Backslashes are doubled, so that two paths never share a key.
    """
    parts = path.split(os.sep)
    spelt = "/".join(part.replace("\\", "\\\\") for part in parts)
    return os.fsencode(spelt).decode("utf-8", "backslashreplace")


def stays_inside(path: str, root: Path) -> bool:
    """Whether a path, all links followed, lies in the folder `root`."""
    try:
        return Path(path).resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links
        return False


def _caption_beside(path: str, root: Path) -> str | None:
    """Return the contents of the text file of the same stem, if there is one inside the root."""
    beside = os.path.splitext(path)[0] + BESIDE
    if not os.path.lexists(beside) or not stays_inside(beside, root):
        return None
    try:
        return caption_of(read_bytes(beside))
    except BadImage:  # empty or unreadable: then there is no caption
        return None
