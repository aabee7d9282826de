"""A source of the pictures in one or several zips, which are read one by one as they are needed.

A zip is read like the folder that it was made of: the same keys, classes, captions and splits. A
single folder that holds everything, as most programs pack it, does not count. Outputs of this
package are skipped as in a folder.
"""

import hashlib
import os
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from ddpm_clip.data.local.file_source import portable
from ddpm_clip.data.local.folder import first_folder
from ddpm_clip.data.local.own_outputs import (
    FACTS,
    MAX_FACTS,
    folder_kind,
    may_be_ours,
    picture_kind,
)
from ddpm_clip.data.local.written_captions import (
    BESIDE,
    MAX_CAPTION,
    METADATA,
    caption_of,
    read_metadata,
)
from ddpm_clip.data.pictures.formats import is_picture
from ddpm_clip.data.pictures.images import MAX_BYTES, BadImage, colour, open_image
from ddpm_clip.data.pictures.left_out import LeftOut
from ddpm_clip.data.remote.tars import is_shown_path
from ddpm_clip.data.remote.zips import (
    DamagedZip,
    UnreadableMember,
    ZipMember,
    beginning,
    content,
    members,
)
from ddpm_clip.data.storage.columns import LabelColumn, TextColumn, TextWriter
from ddpm_clip.errors import DataError, MissingInput
from ddpm_clip.utils.untrusted import MAX_TEXT

SPLITS = ("test", "val", "valid")
HEAD = 65_536
"""First bytes of a picture in which our marks are looked for."""


class _Places:
    """Where each picture lies: its zip and what the zip's directory says, as columns."""

    def __init__(self) -> None:
        self._zip, self._rows, self._crc, self._kind = (
            array("i"),
            array("q"),
            array("L"),
            array("B"),
        )

    def __len__(self) -> int:
        return len(self._zip)

    def append(self, number: int, one: ZipMember) -> None:
        self._zip.append(number)
        self._rows.extend((one.offset, one.packed, one.size))
        self._crc.append(one.crc)
        self._kind.append(min(one.method, 99) | one.is_encrypted << 7)

    def __getitem__(self, i: int) -> tuple[int, ZipMember]:
        offset, packed, size = self._rows[3 * i : 3 * i + 3]
        kind = self._kind[i]
        member = ZipMember("", offset, packed, size, self._crc[i], kind & 127, kind > 127, False)
        return self._zip[i], member


@dataclass(slots=True, eq=False)
class ZipSource:
    """The pictures of some zips, in the order of their directories, as columns of equal length."""

    name: str
    zips: tuple[Path, ...]
    keys: TextColumn
    places: _Places
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
        """Return the path in the zip, behind the name of the zip if there are several."""
        return self.keys[i]

    def label(self, i: int) -> str | None:
        """Return the class of picture i."""
        return self.labels[i]

    def caption(self, i: int) -> str | None:
        """Return the caption of picture i."""
        return self.captions[i] or None

    def facts(self, i: int) -> dict[str, str]:
        """Return {}: zips have no facts."""
        return {}

    def digest(self, i: int) -> str:
        """Return the SHA-256 of the encoded picture."""
        return hashlib.sha256(self._read(i)).hexdigest()

    def _read(self, i: int) -> bytes:
        number, member = self.places[i]
        try:
            with open(self.zips[number], "rb") as file:
                return content(file, member, MAX_BYTES)
        except UnreadableMember as error:
            raise BadImage(self.key(i), error.reason, error.detail) from error
        except OSError as error:
            raise BadImage(self.key(i), "unreadable", error.strerror or str(error)) from error


def read_zips(
    zips: Sequence[Path], name: str, *, split: str = "train", background: str = "white"
) -> ZipSource:
    """List the pictures in some zips.

    Raises:
        DataError: There are no pictures, all are encrypted, or a zip has no readable directory.
        MissingInput: There is no such split.
    """
    colour(background)
    keys, labels, captions, places = TextWriter(), LabelColumn(), TextWriter(), _Places()
    left_out, seen, encrypted = LeftOut(), set[str](), 0
    above = os.path.commonpath([path.parent for path in zips])
    for number, path in enumerate(zips):
        before = f"{portable(os.path.relpath(path, above))}/" if len(zips) > 1 else ""
        for inner, member, caption in _pictures(path, split, left_out):
            key = before + portable(inner)
            key += f"@{member.offset}" if key in seen else ""  # names may repeat
            seen.add(key)
            keys.append(key)
            labels.append(first_folder(inner))
            captions.append(caption)
            places.append(number, member)
            encrypted += member.is_encrypted
    if not len(keys) or encrypted == len(keys):
        raise _nothing(name, split, encrypted, left_out)
    classes = tuple(sorted(labels.names))
    columns = TextColumn.written(keys), places, labels, TextColumn.written(captions)
    return ZipSource(name, tuple(zips), *columns, classes, background, left_out)


def _nothing(name: str, split: str, encrypted: int, left_out: LeftOut) -> DataError | MissingInput:
    if split != "train":
        return MissingInput(f"no split {split!r} in {name}", fix="give the zip of its pictures")
    if encrypted:
        why = f"all {encrypted} pictures are encrypted"
        return DataError(f"cannot read {name}", why, "make a zip without a password")
    return DataError(
        f"no images found in {name}",
        "; ".join(f"found {line}" for line in left_out.lines()),
        "give a zip that contains pictures",
    )


def _pictures(path: Path, split: str, left_out: LeftOut) -> Iterator[tuple[str, ZipMember, str]]:
    """Yield the pictures of a split: path within the zip, member, and caption or ""."""
    try:
        with open(path, "rb") as directory, open(path, "rb") as file:
            survey = _Survey(directory, file, path)
            left_out.own.update(survey.own.values())
            others, told = set[str](), set[str]()
            for inner, place, member in survey.members(directory, split):
                if not is_picture(place):
                    others.add(place)
                elif kind := _output_kind(file, place, member):
                    left_out.own[kind] += 1
                else:
                    told.add(os.path.splitext(place)[0] + BESIDE)
                    yield inner, member, survey.caption(place)
            for place in others - told:
                if os.path.basename(place) != METADATA:
                    left_out.add(place)
    except DamagedZip as error:
        raise DataError(f"cannot read {path}", str(error), "pack or copy it again") from error
    except OSError as error:
        raise DataError(f"cannot read {path}", error.strerror or str(error)) from error


def _output_kind(file: BinaryIO, place: str, member: ZipMember) -> str | None:
    return picture_kind(BytesIO(beginning(file, member, HEAD))) if may_be_ours(place) else None


class _Survey:
    """What has to be known of a zip before its pictures are listed: one pass over its directory.

    Args:
        directory: the zip, open for reading its directory.
        file: the same zip, open for reading its members.
        path: its path.

    Attributes:
        own: folders in it that are outputs of ours, and their kind.
    """

    def __init__(self, directory: BinaryIO, file: BinaryIO, path: Path):
        self._file, self._path = file, path
        self.own: dict[str, str] = {}
        self._texts, self._captions = dict[str, ZipMember](), dict[str, str]()
        tops, folders = set[str](), set[str]()
        for parts, member in _shown(directory):
            if is_picture(parts[-1]):
                tops.add(parts[0] if len(parts) > 1 else "")
                folders.add(parts[1] if len(parts) > 2 else "")
            else:
                self._note(parts, member)
        self._top = tops.pop() if len(tops) == 1 else ""
        inner = folders if self._top else tops
        self._divided = "train" in inner and not inner.isdisjoint(SPLITS)

    def members(self, directory: BinaryIO, split: str) -> Iterator[tuple[str, str, ZipMember]]:
        """Yield path within the split, path in the zip, and member; without outputs of ours."""
        if not self._divided and split != "train":
            return
        for parts, member in _shown(directory):
            place = "/".join(parts)
            inner = parts[1:] if self._top and parts[0] == self._top and len(parts) > 1 else parts
            if self._divided and (inner[0] != split or len(inner) < 2):
                continue
            if any("/".join(parts[:depth]) in self.own for depth in range(1, len(parts))):
                continue
            yield "/".join(inner[1:] if self._divided else inner), place, member

    def caption(self, place: str) -> str:
        """Return the caption of a picture: from the metadata, else from the text beside it."""
        beside = self._texts.get(os.path.splitext(place)[0])
        try:
            own = content(self._file, beside, MAX_CAPTION) if beside is not None else b""
        except UnreadableMember:
            own = b""
        return self._captions.get(place) or caption_of(own) or ""

    def _note(self, parts: list[str], member: ZipMember) -> None:
        """Keep what is needed of a member that is no picture."""
        folder, name = "/".join(parts[:-1]), parts[-1]
        stem, suffix = os.path.splitext("/".join(parts))
        if suffix == BESIDE and member.size <= MAX_CAPTION:
            self._texts[stem] = member
        elif name == METADATA:
            where = f"{self._path}, {'/'.join(parts)}"
            found = read_metadata(self._whole(member, MAX_TEXT, where), where)
            self._captions |= {"/".join(filter(None, (folder, k))): v for k, v in found.items()}
        elif folder and name in FACTS:
            kind = folder_kind([name], lambda _: self._facts(member))
            self.own |= {folder: kind} if kind else {}

    def _facts(self, member: ZipMember) -> bytes:
        try:
            return content(self._file, member, MAX_FACTS)
        except UnreadableMember as error:
            raise ValueError(error.reason) from error

    def _whole(self, member: ZipMember, limit: int, where: str) -> bytes:
        try:
            return content(self._file, member, limit)
        except UnreadableMember as error:
            raise DataError(f"cannot read {where}", error.detail or error.reason) from error


def _shown(directory: BinaryIO) -> Iterator[tuple[list[str], ZipMember]]:
    """Yield each member that is neither hidden nor a link, with the parts of its path.

    Parts that lead elsewhere (`..`, a leading slash) are dropped: they name nothing in a zip.
    """
    for member in members(directory):
        parts = [part for part in member.name.split("/") if part not in ("", ".", "..")]
        if parts and not member.is_link and is_shown_path("/".join(parts)):
            yield parts, member
