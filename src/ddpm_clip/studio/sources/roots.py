"""The folders and archives below the folders that were named when the studio was started.

A client sees names and random ids, and chooses by id; no path ever comes from a client. Links are
not followed, and what an id stands for is resolved again, and has to lie in its root, each time it
is used.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from threading import Lock
from typing import Any

from ddpm_clip.data.pictures.formats import is_picture
from ddpm_clip.errors import MissingInput
from ddpm_clip.utils.untrusted import user_path

ARCHIVES = (".zip", ".npz")
DEEPEST, MOST_FOLDERS = 4, 500
"""Levels below a root, and sources in all, that are listed."""

MOST_FILES = 500_000
"""Most files of a root that are counted."""

DRAWN = "drawn-flowers"
"""A source that needs no files: 4,000 pictures that are drawn when they are read."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A source that can be chosen.

    Attributes:
        id: Its random name.
        name: What it is called: the name of the root, and the folders below it.
        pictures: Number of pictures in it, subfolders included; None for an archive.
        kind: folder, archive, built-in or upload.
    """

    id: str
    name: str
    pictures: int | None
    kind: str

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"id": self.id, "name": self.name, "pictures": self.pictures, "kind": self.kind}


class Roots:
    """Folders whose pictures may be trained on.

    Args:
        folders: The folders; their links are resolved now.

    Raises:
        MissingInput: A folder does not exist, or is a file.
    """

    def __init__(self, folders: Sequence[str | Path]):
        self.folders = [_checked(folder) for folder in folders]
        self._ids: dict[Path, str] = {}
        self._drawn = secrets.token_hex(16)
        self._lock = Lock()

    def listed(self) -> list[Listed]:
        """Return what is there now; the built-in source last."""
        found = [one for root in self.folders for one in self._below(root)][:MOST_FOLDERS]
        return [*found, Listed(self._drawn, "drawn flowers", 4000, "built-in")]

    def place(self, id: str) -> str | None:
        """Return what `ddpm-clip train` would be given; None for an id that is none of these.

        Raises:
            MissingInput: It has gone, or leads out of its root since.
        """
        if id == self._drawn:
            return DRAWN
        with self._lock:
            path = next((path for path, known in self._ids.items() if known == id), None)
        if path is None:
            return None
        real = Path(os.path.realpath(path))  # links first, then the check
        if not real.exists() or not any(real.is_relative_to(root) for root in self.folders):
            raise MissingInput(
                "this folder is not there any more", "it was moved or deleted", "reload the page"
            )
        return str(real)

    def name(self, id: str) -> str | None:
        """Return what a source is called; None for an id that is none of these."""
        return next((one.name for one in self.listed() if one.id == id), None)

    def _below(self, root: Path) -> list[Listed]:
        """Return the root and what is below it, as far as there are pictures."""
        from ddpm_clip.data.local.folder import walk

        counts, archives = dict[Path, int](), list[Path]()
        seen = 0
        for folder, names in walk(root):
            here = Path(folder)
            pictures = sum(map(is_picture, names))
            for above in (here, *here.parents):
                if above.is_relative_to(root):
                    counts[above] = counts.get(above, 0) + pictures
            archives += [here / name for name in names if name.lower().endswith(ARCHIVES)]
            seen += len(names)
            if seen > MOST_FILES or len(counts) > 20 * MOST_FOLDERS:
                break
        folders = [path for path, n in counts.items() if n and self._is_near(path, root)]
        packed = [path for path in archives if self._is_near(path, root) and not path.is_symlink()]
        return [
            *(self._one(path, root, counts[path], "folder") for path in sorted(folders)),
            *(self._one(path, root, None, "archive") for path in sorted(packed)),
        ]

    def _is_near(self, path: Path, root: Path) -> bool:
        return len(path.relative_to(root).parts) <= DEEPEST

    def _one(self, path: Path, root: Path, pictures: int | None, kind: str) -> Listed:
        with self._lock:
            id = self._ids.setdefault(path, secrets.token_hex(16))
        name = readable_name(PurePath(root.name, path.relative_to(root)))
        return Listed(id, name, pictures, kind)


def _checked(folder: str | Path) -> Path:
    """Return the absolute path of a folder, its links resolved."""
    path = user_path(folder)
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "does not exist"
        raise MissingInput(
            f"--data {folder}", f"it {what}", "give a folder of pictures", param="data"
        )
    return path.resolve()


def readable_name(path: PurePath) -> str:
    """Return a path as text that JSON can hold: names of files need not be Unicode."""
    return path.as_posix().encode("utf-8", "replace").decode("utf-8")
