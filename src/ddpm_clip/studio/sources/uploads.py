"""Uploaded pictures: each is decoded in a child process and kept as a PNG under a random name.

    ROOT/3f…2a/          one upload
    ROOT/3f…2a/91….png   a picture: its pixels and nothing else, at most 512 pixels long

Nothing of a user's file is stored but its pixels: no name, no metadata, no other format. A zip is
never unpacked; its members are read one by one within limits (`data/remote/zips.py`).
"""

import os
import re
import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from PIL import Image

from ddpm_clip.data.pictures.images import REASONS, BadImage, open_image
from ddpm_clip.data.pictures.sandbox import in_children
from ddpm_clip.errors import Busy, DataError, DdpmClipError, MissingInput, StorageError
from ddpm_clip.studio.sources.roots import Listed
from ddpm_clip.utils import storage

if TYPE_CHECKING:
    from ddpm_clip.types import ImageSource

ID = re.compile(r"[0-9a-f]{32}")
SIDE = 512
"""Longest side of a kept picture in pixels: no network here is trained on more."""

MOST_ZIPS = 2
"""Most zips that are on their way at once; each may take as much room as its quota."""

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Quota:
    """How much may be uploaded.

    Attributes:
        pictures: Most pictures of one upload.
        zip_bytes: Most bytes of a zip.
        picture_bytes: Most bytes of one picture.
        all_bytes: Most bytes of all kept uploads.
    """

    pictures: int = 50_000
    zip_bytes: int = 2048 * MIB
    picture_bytes: int = 64 * MIB
    all_bytes: int = 8192 * MIB


class Uploads:
    """All uploads.

    Args:
        root: Their folder; made if it does not exist. Half-finished uploads in it are removed.
        quota: How much is accepted.
    """

    def __init__(self, root: Path, quota: Quota | None = None):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        storage.sweep(root)
        self.root, self.quota = root.resolve(), quota or Quota()
        self._lock, self._unpacking = Lock(), Lock()
        self._bytes = self._counted()

    def listed(self) -> list[Listed]:
        """Return the uploads, the newest first."""
        folders = [path for path in self.root.iterdir() if ID.fullmatch(path.name)]
        folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        return [
            Listed(path.name, _name(path), sum(1 for _ in path.glob("*.png")), "upload")
            for path in folders
        ]

    def place(self, id: str) -> str | None:
        """Return the folder of an upload; None for an id that is none of these."""
        path = self.root / id
        return str(path) if ID.fullmatch(id) and path.is_dir() else None

    def new_zip(self) -> Path:
        """Return a path that a zip may be written to, to be read by `unpack`.

        Raises:
            Busy: Other zips are being written.
        """
        if len(list(self.root.glob(f"{storage.TEMPORARY}*.zip"))) >= MOST_ZIPS:
            raise Busy("other zips are being uploaded", "", "try again in a minute")
        return self.root / f"{storage.TEMPORARY}{secrets.token_hex(16)}.zip"

    def add(self, data: bytes, id: str | None = None) -> Listed:
        """Keep one picture, in a new upload or together with earlier ones.

        Raises:
            BadImage: It cannot be used, and why.
            MissingInput: There is no such upload.
            StorageError: The quota is used up, or the disk is full.
        """
        with in_children():
            image = open_image(data, name="the picture")
        folder = self.root / (id or secrets.token_hex(16))
        if id is not None and self.place(id) is None:
            raise MissingInput("there is no such upload", "it was deleted", "start a new one")
        count = sum(1 for _ in folder.glob("*.png")) if id is not None else 0
        self._check_count(count)
        self._keep(folder, image)
        return Listed(folder.name, _name(folder), count + 1, "upload")

    def unpack(self, zip: Path) -> dict[str, Any]:
        """Keep the pictures of a zip as a new upload, which appears once it is complete.

        Args:
            zip: A path of `new_zip`; the file is deleted in the end.

        Returns:
            The upload, and how many pictures were left out for which reason.

        Raises:
            Busy: Another zip is being read.
            DataError: There are no usable pictures, or the zip is damaged.
            StorageError: The quota is used up, or the disk is full.
        """
        if not self._unpacking.acquire(blocking=False):
            zip.unlink(missing_ok=True)
            raise Busy("another zip is being read", "one at a time", "try again in a minute")
        id = secrets.token_hex(16)
        making = self.root / f"{storage.TEMPORARY}{id}"
        try:
            bad = self._kept(_opened(zip), making)
            count = sum(1 for _ in making.glob("*.png"))
            if not count:
                why = "; ".join(REASONS.get(reason, reason) for reason in bad)
                raise DataError("no picture of the zip can be used", why, "check the zip")
            os.rename(making, self.root / id)
        finally:
            zip.unlink(missing_ok=True)
            storage.remove(making)
            self._bytes = self._counted()
            self._unpacking.release()
        left_out = [
            {"reason": REASONS.get(reason, reason), "count": number}
            for reason, number in bad.items()
        ]
        upload = Listed(id, _name(self.root / id), count, "upload")
        return {**upload.as_dict(), "left_out": left_out}

    def delete(self, id: str) -> None:
        """Delete an upload.

        Raises:
            MissingInput: There is no such upload.
        """
        place = self.place(id)
        if place is None:
            raise MissingInput("there is no such upload", "it was deleted", "reload the page")
        storage.remove_folder(Path(place))
        self._bytes = self._counted()

    def _counted(self) -> int:
        return sum(file.stat().st_size for file in self.root.rglob("*.png"))

    def _kept(self, source: "ImageSource", folder: Path) -> Counter[str]:
        """Keep the pictures of a source; return how many are unusable, by reason."""
        self._check_count(len(source) - 1)
        bad = Counter[str]()
        with in_children():
            for i in range(len(source)):
                try:
                    self._keep(folder, source[i])
                except BadImage as error:
                    bad[error.reason] += 1
        return bad

    def _keep(self, folder: Path, image: Image.Image) -> None:
        """Write one picture, unless the quota is used up."""
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
        path = folder / f"{secrets.token_hex(16)}.png"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            image.save(path, "PNG")
            size = path.stat().st_size
        except OSError as error:
            raise StorageError(
                "the picture could not be kept", error.strerror or "", "free some space"
            ) from error
        with self._lock:
            self._bytes += size
            full = self._bytes > self.quota.all_bytes
        if full:
            with suppress(OSError):
                path.unlink()
            raise StorageError(
                "there is no room for more uploads",
                f"all together they may take {self.quota.all_bytes // MIB:,} MiB",
                "delete some uploads",
            )

    def _check_count(self, before: int) -> None:
        if before >= self.quota.pictures:
            raise StorageError(
                "too many pictures for one upload",
                f"at most {self.quota.pictures:,} are accepted",
                "start the studio with --data FOLDER for more",
            )


def _opened(zip: Path) -> "ImageSource":
    """Open a zip; messages do not name the file that it is in for now."""
    from ddpm_clip.data.remote.zip_source import read_zips

    try:
        return read_zips([zip], "the zip")
    except DdpmClipError as error:
        what, why = (text.replace(str(zip), "the zip") for text in (error.what, error.why))
        raise DataError(what, why, error.fix) from None


def _name(folder: Path) -> str:
    made = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    return f"uploaded {made:%Y-%m-%d %H:%M} UTC"
