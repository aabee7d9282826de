"""Forward-only sources: pictures that arrive in order, because they are remote or compressed.

A stream can only be read from start to end. `keep` stores what a training needs of it in tar
shards: pictures unchanged, or shrunk if they are larger than any embedder needs. From then on they
are a source like any other.
"""

import io
import json
import tarfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from PIL import Image

from ddpm_clip.data.pictures.images import BadImage, open_image
from ddpm_clip.data.pictures.left_out import LeftOut
from ddpm_clip.data.pictures.sandbox import in_children
from ddpm_clip.data.remote.tar_shards import TarSource, read_tars
from ddpm_clip.data.storage.atomic import replacing
from ddpm_clip.errors import CannotCreate, StorageError, UsageError
from ddpm_clip.types import Progress
from ddpm_clip.utils.untrusted import read_object

KEPT_SIDE = 256
"""Shorter side in pixels to which larger pictures are shrunk; more if training needs more."""

SHARD = 2000
STATE = "kept.json"
_SUFFIXES = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"GI": ".gif", b"BM": ".bmp", b"RI": ".webp"}


@dataclass(frozen=True, slots=True)
class Incoming:
    """One picture of a stream: its encoded bytes, label and caption."""

    key: str
    data: bytes
    label: str | None = None
    caption: str | None = None


class Stream:
    """A source (`ddpm_clip.types.ImageSource`) that can only be read forward.

    Args:
        name: Name of the source.
        start: Function that returns an iterator over all pictures, from the first.
        total: Number of pictures, or None if it is unknown.
        background: Colour behind transparent pixels.
        left_out: What the iterator left out so far; it is counted as the stream is read.
    """

    classes: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        start: Callable[[], Iterator[Incoming]],
        total: int | None = None,
        background: str = "white",
        left_out: LeftOut | None = None,
    ):
        self.name, self.start, self.total, self.background = name, start, total, background
        self.left_out = LeftOut() if left_out is None else left_out
        self._coming: Iterator[Incoming] | None = None
        self._row = -1
        self._now = Incoming("", b"")

    def first(self, most: int) -> "Stream":
        """Return the stream of the first `most` pictures."""
        total = most if self.total is None else min(most, self.total)
        return Stream(self.name, self.start, total, self.background, self.left_out)

    def __len__(self) -> int:
        if self.total is None:
            raise UsageError(
                f"the number of pictures in {self.name} is unknown",
                "it is a stream",
                "set how many to take: --set data.max_samples=10000, or scan --max-samples 10000",
                param="data.max_samples",
            )
        return self.total

    def __getitem__(self, i: int) -> Image.Image:
        """Return picture i, which must be the current one or a later one."""
        at = self._at(i)
        return open_image(at.data, background=self.background, name=at.key)

    def key(self, i: int) -> str:
        """Return the key of picture i."""
        return self._at(i).key

    def label(self, i: int) -> str | None:
        """Return the class of picture i."""
        return self._at(i).label

    def caption(self, i: int) -> str | None:
        """Return the caption of picture i."""
        return self._at(i).caption

    def facts(self, i: int) -> dict[str, str]:
        """Return {}: streams have no facts."""
        return {}

    def _at(self, i: int) -> Incoming:
        if not 0 <= i < len(self):
            raise IndexError(f"picture {i} of {len(self)}")
        if i < self._row:
            raise UsageError(
                f"{self.name} can only be read forward",
                "it is a stream",
                "train on it, or copy it into tar shards first",
            )
        self._coming = self._coming or self.start()
        while self._row < i:
            self._now = next(self._coming, Incoming(f"picture {i}", b""))
            self._row += 1
        return self._now


def keep(
    stream: Stream, folder: Path, *, size: int = 32, most: int | None = None
) -> Generator[Progress, None, TarSource]:
    """Store a stream as tar shards in `folder`; if interrupted, resume after the last full shard.

    Args:
        stream: The stream, which is read once.
        folder: Folder for the shards of this stream alone.
        size: Side of the training pictures in pixels.
        most: Requested number of pictures, which is only recorded for `kept`.

    Raises:
        CannotCreate: The folder has the pictures of another stream.
        StorageError: There is no space.
    """
    total, side = len(stream), max(size, KEPT_SIDE)
    state = _state(folder, _asked(stream.name, side, most, stream.background) | {"pictures": total})
    if state["complete"]:
        return _tars(folder, stream.name, stream.background)
    coming = islice(stream.start(), state["taken"], total)
    for first in coming:
        shard = folder / f"shard-{state['taken'] // SHARD:06d}.tar"
        with replacing(shard) as path, tarfile.open(path, "w") as tar:
            shelf = chain([first], islice(coming, SHARD - 1))
            for row, one in enumerate(shelf, state["taken"]):
                _put(tar, row, one, side, stream.background)
                yield Progress("keep", row + 1, total)
        state["taken"] = row + 1
        _write_state(folder, state)
    _write_state(folder, state | {"complete": True})
    return _tars(folder, stream.name, stream.background)


def kept(
    folder: Path, name: str, *, size: int, most: int | None, background: str
) -> TarSource | None:
    """Return what `keep` has stored of the stream `name`, or None if something is missing.

    This needs neither the network nor the package that reads the stream.
    """
    asked = _asked(name, max(size, KEPT_SIDE), most, background) | {"complete": True}
    state = _read_state(folder)
    is_all = all(key in state and state[key] == value for key, value in asked.items())
    return _tars(folder, name, background) if is_all else None


def missing_extra(source: str, package: str) -> UsageError:
    """Return the error for a source whose package is not installed."""
    return UsageError(
        f"{source} needs the package {package}",
        "it is not installed",
        f'pip install "ddpm-clip[{package}]"',
        param="data.source",
    )


def _asked(name: str, side: int, most: int | None, background: str) -> dict[str, Any]:
    return {"of": name, "side": side, "most": most, "background": background}


def _tars(folder: Path, name: str, background: str) -> TarSource:
    return read_tars(sorted(folder.glob("*.tar")), name, background=background)


def _read_state(folder: Path) -> dict[str, Any]:
    path = folder / STATE
    if not path.is_file():
        return {}
    try:
        return read_object(path)
    except (OSError, ValueError) as error:
        raise StorageError(
            f"cannot read {path}", str(error)[:200], f"remove {folder}; it will be recreated"
        ) from error


def _state(folder: Path, mine: dict[str, Any]) -> dict[str, Any]:
    """Return the recorded progress, with the values of `mine` that an older file lacks."""
    state = _read_state(folder) or {"taken": 0, "complete": False}
    differ = [key for key in mine if key != "most" and state.get(key, mine[key]) != mine[key]]
    if differ:
        values = ", ".join(f"{key} is {state[key]!r}, not {mine[key]!r}" for key in differ)
        raise CannotCreate(
            f"{folder} has the pictures of another stream",
            f"in the folder, {values}",
            "choose another --out, or --overwrite",
        )
    return mine | state


def _write_state(folder: Path, state: dict[str, Any]) -> None:
    with replacing(folder / STATE) as path:
        path.write_text(json.dumps(state), encoding="utf-8")


def _put(tar: tarfile.TarFile, row: int, one: Incoming, side: int, background: str) -> None:
    data = _shrunk(one, side, background)
    notes = {"key": one.key, "label": one.label, "caption": one.caption}
    for suffix, content in (
        (_SUFFIXES.get(data[:2], ".tif"), data),
        (".json", json.dumps(notes).encode()),
    ):
        member = tarfile.TarInfo(f"{row:09d}{suffix}")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))


def _shrunk(one: Incoming, side: int, background: str) -> bytes:
    """Return the bytes of the picture, shrunk if it is large; unchanged if it is undecodable."""
    try:
        with in_children():
            image = open_image(one.data, background=background, name=one.key)
    except BadImage:
        return one.data
    if min(image.size) <= side:
        return one.data
    scale = side / min(image.size)
    small = image.resize(
        [max(side, round(edge * scale)) for edge in image.size],
        Image.Resampling.LANCZOS,
        reducing_gap=3.0,
    )
    out = io.BytesIO()
    small.save(out, "JPEG", quality=95)
    return out.getvalue()
