"""A source of pictures in local tar shards, as webdataset writes them, with random access.

The members are listed once; after that, reading a picture is one read at its offset, as fast as in
a folder of files. Compressed or remote tars cannot be read like that: they are streams
(`tar_streams`).
"""

import hashlib
import os
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from ddpm_clip.data.local.file_source import portable
from ddpm_clip.data.local.folder import is_shown
from ddpm_clip.data.pictures.images import MAX_BYTES, BadImage, colour, open_image
from ddpm_clip.data.pictures.left_out import LeftOut
from ddpm_clip.data.remote.tars import Damaged, samples
from ddpm_clip.data.storage.columns import LabelColumn, TextColumn, TextWriter
from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.utils.untrusted import user_path


@dataclass(frozen=True, slots=True)
class Kind:
    """Which files in a folder are shards: names for messages, and the endings of their names."""

    name: str
    plural: str
    endings: tuple[str, ...]

    def fits(self, name: str) -> bool:
        """Whether a file with this name is one, and not hidden."""
        return is_shown(name) and name.lower().endswith(self.endings)


TARS = Kind("tar", "tar shards", (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz"))
ZIPS = Kind("zip", "zips", (".zip",))

_BRACES = re.compile(r"\{([^{}]*)\}")
MAX_SHARDS = 100_000
MAX_DIGITS = 18
"""Most digits of a class number; a longer one is taken as text."""

REST = "(the rest)"
"""Name, in the list of bad files, for the unreadable rest of a shard."""


@dataclass(slots=True, eq=False)
class TarSource:
    """The pictures of some shards, in the order of the tars, as columns of equal length."""

    name: str
    shards: tuple[Path, ...]
    keys: TextColumn
    shard: Sequence[int]
    offsets: Sequence[int]
    sizes: Sequence[int]
    labels: LabelColumn
    captions: TextColumn
    classes: tuple[str, ...]
    background: str = "white"
    left_out: LeftOut = field(default_factory=LeftOut)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, i: int) -> Image.Image:
        """Return picture i, upright; raise `BadImage` if it cannot be used."""
        return open_image(self._read(i), background=self.background, name=self.key(i))

    def key(self, i: int) -> str:
        """Return shard and member name."""
        return self.keys[i]

    def label(self, i: int) -> str | None:
        """Return the class of picture i."""
        return self.labels[i]

    def caption(self, i: int) -> str | None:
        """Return the caption of picture i."""
        return self.captions[i] or None

    def facts(self, i: int) -> dict[str, str]:
        """Return {}: shards have no facts."""
        return {}

    def digest(self, i: int) -> str:
        """Return the SHA-256 of the encoded picture."""
        return hashlib.sha256(self._read(i)).hexdigest()

    def _read(self, i: int) -> bytes:
        size, shard = self.sizes[i], self.shards[self.shard[i]]
        if size < 0:
            raise BadImage(self.key(i), "truncated", f"{shard} is damaged")
        if size > MAX_BYTES:
            raise BadImage(self.key(i), "too-large", "too many bytes")
        try:
            with open(shard, "rb", buffering=0) as file:
                file.seek(self.offsets[i])
                data = file.read(size)
        except OSError as error:
            raise BadImage(self.key(i), "unreadable", error.strerror or str(error)) from error
        if len(data) < size:
            raise BadImage(self.key(i), "truncated", f"{shard} is cut off before its end")
        return data


def read_tars(
    shards: Sequence[Path], name: str, *, background: str = "white", class_names: Sequence[str] = ()
) -> TarSource:
    """List the pictures in `shards`.

    Classes that are numbers get their names from `class_names`, if there are any.

    Raises:
        DataError: There are no pictures.
    """
    colour(background)
    keys, labels, captions = TextWriter(), LabelColumn(), TextWriter()
    shard, offsets, sizes = array("i"), array("q"), array("q")
    left_out = LeftOut()
    for number, (key, offset, size, label, caption) in _rows(shards, left_out):
        keys.append(key)
        shard.append(number)
        offsets.append(offset)
        sizes.append(size)
        labels.append(_named(label, class_names))
        captions.append(caption)
    if not any(size >= 0 for size in sizes):
        raise DataError(
            f"no images found in {name}",
            f"searched {len(shards)} tars" + "".join(f"; found {x}" for x in left_out.lines()),
            "give shards that contain pictures",
        )
    classes = (*class_names, *sorted(set(labels.names) - set(class_names)))
    return TarSource(
        name,
        tuple(shards),
        TextColumn.written(keys),
        shard,
        offsets,
        sizes,
        labels,
        TextColumn.written(captions),
        classes,
        background,
        left_out,
    )


Row = tuple[str, int, int, str | None, str]
"""Key, offset, size (-1 for the unreadable rest of a shard), class, caption."""


def _rows(shards: Sequence[Path], left_out: LeftOut) -> Iterator[tuple[int, Row]]:
    """Yield every picture with the number of its shard."""
    above = os.path.commonpath([path.parent for path in shards]) if shards else ""
    for number, path in enumerate(shards):
        where, seen = portable(os.path.relpath(path, above)), set[str]()
        try:
            with open(path, "rb") as file:
                for sample in samples(file, left_out=left_out):
                    for part in sample.parts:
                        key = f"{where}/{portable(part.name)}"
                        key += f"@{part.offset}" if key in seen else ""  # names may repeat
                        seen.add(key)
                        row = key, part.offset, part.size, sample.label, sample.caption or ""
                        yield number, row
        except (Damaged, OSError):
            yield number, (f"{where}/{REST}", 0, -1, None, "")


def _named(label: str | None, names: Sequence[str]) -> str | None:
    if label is None or not names or not label.isdecimal() or len(label) > MAX_DIGITS:
        return label
    number = int(label)
    return names[number] if number < len(names) else label


def expanded(pattern: str) -> list[str]:
    """Expand a pattern with braces: `{000..009}` counts, `{a,b}` lists.

    >>> expanded("s-{08..10}.tar"), expanded("{a,b}{1..2}")
    (['s-08.tar', 's-09.tar', 's-10.tar'], ['a1', 'a2', 'b1', 'b2'])

    Raises:
        UsageError: The pattern expands to too many shards.
    """
    found = _BRACES.search(pattern)
    if found is None:
        return [pattern]
    first, dots, last = found[1].partition("..")
    choices: Sequence[str] = found[1].split(",")
    if dots and first.isdecimal() and last.isdecimal():
        if int(last) - int(first) >= MAX_SHARDS:
            raise UsageError(f"{pattern} expands to more than {MAX_SHARDS:,} shards")
        choices = [f"{n:0{len(first)}d}" for n in range(int(first), int(last) + 1)]
    rests = expanded(pattern[found.end() :])
    if len(choices) * len(rests) > MAX_SHARDS:
        raise UsageError(f"{pattern} expands to more than {MAX_SHARDS:,} shards")
    return [pattern[: found.start()] + choice + rest for choice in choices for rest in rests]


def shard_paths(place: str, split: str = "train", kind: Kind | None = None) -> list[Path]:
    """Return the tars that a place names: a folder, one file, or a pattern with {0..9} or *.

    Another `kind` of files is found in the same way.

    A folder may have a subfolder per split; without it, everything is for training.

    Raises:
        MissingInput: There is no such split or no tar, or a tar of the pattern is missing.
    """
    path, kind = user_path(place), kind or TARS
    if path.is_dir():
        inner = path / split
        if inner.is_dir() and any(kind.fits(p.name) for p in inner.iterdir()):
            path = inner
        elif split != "train":
            raise MissingInput(
                f"no split {split!r} in {path}", fix=f"give the folder of its {kind.name}s"
            )
        found = sorted(p for p in path.iterdir() if kind.fits(p.name) and p.is_file())
    elif split != "train":
        raise MissingInput(
            f"no split {split!r} in {place}",
            f"these {kind.name}s are all for training",
            "give a folder with one subfolder per split",
        )
    else:
        found = [one for text in expanded(place) for one in _matches(user_path(text), kind)]
    missing = [one for one in found if not one.is_file()]
    if missing or not found:
        raise MissingInput(
            f"no {kind.plural}: {missing[0] if missing else place}",
            f"they are files that end in .{kind.name}",
            "check the path",
        )
    return found


def _matches(path: Path, kind: Kind) -> list[Path]:
    if not any(mark in path.name for mark in "*?["):
        return [path]
    return sorted(p for p in path.parent.glob(path.name) if kind.fits(p.name))
