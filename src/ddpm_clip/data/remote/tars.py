"""Lists the pictures in a tar, member by member; nothing is ever unpacked to disk.

Members of the same stem belong together, as in webdataset: `rose/0001.jpg` with `rose/0001.txt` (a
caption), `rose/0001.cls` (a class) or `rose/0001.json` (both). Links, devices, sparse files,
hidden files and anything that is not a picture are skipped.
"""

import lzma
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Self

from ddpm_clip.data.local.folder import first_folder, is_shown
from ddpm_clip.data.local.written_captions import MAX_CAPTION
from ddpm_clip.data.pictures.formats import is_picture
from ddpm_clip.data.pictures.images import MAX_BYTES
from ddpm_clip.data.pictures.left_out import LeftOut
from ddpm_clip.utils.untrusted import parse_json

NOTES = (".txt", ".cls", ".json")
EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
SPOILT = (
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    IndexError,
    RecursionError,
)
"""All exceptions that `tarfile` is known to raise on damaged tars."""


@dataclass(frozen=True, slots=True)
class TarMember:
    """Position of one picture in its tar; `data` holds its bytes only if the tar is a stream."""

    name: str
    offset: int
    size: int
    data: bytes = b""


@dataclass(slots=True)
class Sample:
    """Members of one stem: pictures with their common label and caption."""

    stem: str
    parts: list[TarMember] = field(default_factory=list)
    label: str | None = None
    caption: str | None = None


class Damaged(Exception):
    """The tar is cut off or has a damaged header; everything before that is fine."""


def samples(
    file: IO[bytes], *, streamed: bool = False, left_out: LeftOut | None = None
) -> Iterator[Sample]:
    """Yield the samples of a tar that have a picture.

    Args:
        file: The tar, open for reading; it may be compressed if it is `streamed`.
        streamed: Read once from start to end, and keep the bytes of the pictures.
        left_out: Where members are counted that are neither pictures nor notes.

    Raises:
        Damaged: The tar is damaged; raised after the last good sample.
    """
    sample = Sample("")
    try:
        for tar, member in _members(file, streamed):
            stem = _stem(member.name)
            if stem != sample.stem:
                yield from _finished(sample)
                sample = Sample(stem)
            if not _take(sample, tar, member, streamed) and left_out is not None:
                left_out.add(member.name)
    except Damaged:
        yield from _finished(sample)
        raise
    yield from _finished(sample)


def _members(file: IO[bytes], streamed: bool) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Yield the regular files, one after the other."""
    mode: Any = "r|*" if streamed else "r:"
    end = 0
    try:
        with tarfile.open(fileobj=file, mode=mode, tarinfo=_Header) as tar:
            while (member := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]  # do not keep a million members in memory
                if member.size < 0 or tar.offset <= end:  # else reading would never end
                    raise Damaged(f"a header claims {member.size} bytes")
                end = tar.offset
                if member.isreg() and not member.issparse() and is_shown_path(member.name):
                    yield tar, member
    except SPOILT as error:
        raise Damaged(str(error)[:200]) from error


def _take(sample: Sample, tar: tarfile.TarFile, member: tarfile.TarInfo, streamed: bool) -> bool:
    """Add one member to its sample; return whether it belongs there."""
    lower = member.name.lower()
    if is_picture(lower):
        data = _content(tar, member, MAX_BYTES + 1) if streamed else b""
        sample.parts.append(TarMember(member.name, member.offset_data, member.size, data))
    elif lower.endswith(NOTES) and member.size <= MAX_CAPTION:
        text = _content(tar, member, MAX_CAPTION).decode("utf-8", "replace").strip()
        if lower.endswith(".json"):
            label, caption = _from_json(text)
        else:
            label, caption = (text, None) if lower.endswith(".cls") else (None, text)
        sample.label, sample.caption = label or sample.label, caption or sample.caption
    return is_picture(lower) or lower.endswith(NOTES)


def _finished(sample: Sample) -> Iterator[Sample]:
    """Yield a sample if it has a picture; its default class is its first folder."""
    if sample.parts:
        sample.label = sample.label or first_folder(sample.parts[0].name.removeprefix("./"))
        yield sample


def is_shown_path(name: str) -> bool:
    """Whether no part of a name is hidden, ignoring `.` and `..`."""
    return all(is_shown(part) for part in name.split("/") if part not in (".", ".."))


def _stem(name: str) -> str:
    """Return the path up to the first dot of the file name."""
    folder, _, base = name.rpartition("/")
    return posixpath.join(folder, base.split(".", 1)[0])


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, most: int) -> bytes:
    try:
        file = tar.extractfile(member)
        return file.read(most) if file is not None else b""
    except SPOILT as error:
        raise Damaged(str(error)[:200]) from error


def _from_json(text: str) -> tuple[str | None, str | None]:
    """Return class and caption from a sample's JSON, or None each if it cannot be parsed."""
    try:
        entry = parse_json(text, finite=False)
    except ValueError:
        return None, None
    if not isinstance(entry, dict):
        return None, None
    label = next((entry[k] for k in ("label", "class", "cls") if k in entry), None)
    caption = next((entry[k] for k in ("caption", "text") if isinstance(entry.get(k), str)), None)
    named = isinstance(label, str | int) and not isinstance(label, bool)
    return str(label) if named else None, caption


class _Header(tarfile.TarInfo):
    """A header that raises `Damaged`, where plain `tarfile` would take it for the tar's end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            header = super().frombuf(buf, encoding, errors)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise Damaged(str(error)) from error
        if header.size < 0:
            raise Damaged(f"a header claims {header.size} bytes")
        if header.type in EXTENDED and header.size > MAX_CAPTION:
            raise Damaged(f"an extended header claims {header.size} bytes")  # it is read whole
        return header
