"""Pictures that come once, in order, and are kept on the way: what is too far or too large to list.

A stream can be looked at from its start to its end. `keep` takes what a training needs of it into
tar shards: pictures as they came, or shrunk where they are larger than any embedder looks at.
From then on they are pictures like any others. Knows nothing of where streams come from.
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
from ddpm_clip.data.pictures.sandbox import in_children
from ddpm_clip.data.remote.tar_shards import TarSource, read_tars
from ddpm_clip.data.storage.atomic import replacing
from ddpm_clip.errors import CannotCreate, StorageError, UsageError
from ddpm_clip.types import Progress
from ddpm_clip.utils.untrusted import read_object

KEPT_SIDE = 256
"""Shorter side down to which larger pictures are shrunk, unless training pictures are larger."""

SHARD = 2000
STATE = "kept.json"
_SUFFIXES = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"GI": ".gif", b"BM": ".bmp", b"RI": ".webp"}


@dataclass(frozen=True, slots=True)
class Incoming:
    """One picture as it comes: its bytes, and what was said of it."""

    key: str
    data: bytes
    label: str | None = None
    caption: str | None = None


class Stream:
    """A source (`ddpm_clip.types.ImageSource`) that goes forward only.

    Args:
        name: of the source.
        start: gives all pictures anew, from the first.
        total: how many there are, where that is known.
        background: colour behind transparent pixels.
    """

    classes: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        start: Callable[[], Iterator[Incoming]],
        total: int | None = None,
        background: str = "white",
    ):
        self.name, self.start, self.total, self.background = name, start, total, background
        self._coming: Iterator[Incoming] | None = None
        self._row = -1
        self._now = Incoming("", b"")

    def first(self, most: int) -> "Stream":
        """The first `most` pictures."""
        total = most if self.total is None else min(most, self.total)
        return Stream(self.name, self.start, total, self.background)

    def __len__(self) -> int:
        if self.total is None:
            raise UsageError(
                f"{self.name} does not say how many pictures it has",
                "it is a stream",
                "say how many to take: --set data.max_samples=10000, or scan --max-samples 10000",
                param="data.max_samples",
            )
        return self.total

    def __getitem__(self, i: int) -> Image.Image:
        """Picture i, the one at hand or a later one."""
        at = self._at(i)
        return open_image(at.data, background=self.background, name=at.key)

    def key(self, i: int) -> str:
        """As the stream names it."""
        return self._at(i).key

    def label(self, i: int) -> str | None:
        """The class."""
        return self._at(i).label

    def caption(self, i: int) -> str | None:
        """The caption."""
        return self._at(i).caption

    def facts(self, i: int) -> dict[str, str]:
        """Nothing is known."""
        return {}

    def _at(self, i: int) -> Incoming:
        if not 0 <= i < len(self):
            raise IndexError(f"picture {i} of {len(self)}")
        if i < self._row:
            raise UsageError(
                f"{self.name} goes forward only",
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
    """Take a stream into `folder`; cut off, it goes on after the last whole shard.

    Args:
        stream: is read once.
        folder: for the shards, of this stream alone.
        size: of the training pictures.
        most: how many were asked for; only written down, for `kept`.

    Raises:
        CannotCreate: the folder keeps another stream. StorageError: no room.
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
    """What `keep` has kept in `folder` of the stream `name`, if that is all that was asked for.

    The stream itself is not needed, nor is the network or the package that it comes by.
    """
    asked = _asked(name, max(size, KEPT_SIDE), most, background) | {"complete": True}
    state = _read_state(folder)
    is_all = all(key in state and state[key] == value for key, value in asked.items())
    return _tars(folder, name, background) if is_all else None


def missing_extra(source: str, package: str) -> UsageError:
    """The refusal of a source whose package is not installed."""
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
            f"cannot read {path}", str(error)[:200], f"remove {folder}, and it is made again"
        ) from error


def _state(folder: Path, mine: dict[str, Any]) -> dict[str, Any]:
    """How far the keeping is; of `mine`, older files lack some."""
    state = _read_state(folder) or {"taken": 0, "complete": False}
    differ = [key for key in mine if key != "most" and state.get(key, mine[key]) != mine[key]]
    if differ:
        told = ", ".join(f"{key} {state[key]!r}, now {mine[key]!r}" for key in differ)
        raise CannotCreate(
            f"{folder} keeps the pictures of another stream",
            f"there: {told}",
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
    """The bytes as they came, or of a smaller picture; what cannot be decoded stays what it is."""
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
