"""What a tar of pictures holds, member by member; nothing is ever unpacked to the disk.

Members of one stem belong together, as webdataset has it: `rose/0001.jpg` with `rose/0001.txt` (a
caption), `rose/0001.cls` (a class) or `rose/0001.json` (both). Links, devices, sparse files,
hidden files and whatever is no picture are passed over. Knows nothing of training, nor where the
tar comes from.
"""

import lzma
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Self

from ddpm_clip.data.local.folder import MAX_CAPTION, first_folder, is_shown
from ddpm_clip.data.pictures.images import MAX_BYTES, SUFFIXES
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
"""All that `tarfile` is known to raise on bytes that are no sound tar."""


@dataclass(frozen=True, slots=True)
class TarMember:
    """Where the bytes of one picture lie in its tar; `data` only where the tar is a stream."""

    name: str
    offset: int
    size: int
    data: bytes = b""


@dataclass(slots=True)
class Sample:
    """Members of one stem: pictures, and what is said of all of them."""

    stem: str
    parts: list[TarMember] = field(default_factory=list)
    label: str | None = None
    caption: str | None = None


class Damaged(Exception):
    """The tar ends too early, or its headers do; what came before is sound."""


def samples(file: IO[bytes], *, streamed: bool = False) -> Iterator[Sample]:
    """The samples of a tar that have a picture.

    Args:
        file: open for reading; plain where it is not streamed, else compressed at will.
        streamed: read it once from its start to its end, and keep the bytes of the pictures.

    Raises:
        Damaged: after the last sample that is sound.
    """
    sample = Sample("")
    try:
        for tar, member in _members(file, streamed):
            stem = _stem(member.name)
            if stem != sample.stem:
                yield from _finished(sample)
                sample = Sample(stem)
            _take(sample, tar, member, streamed)
    except Damaged:
        yield from _finished(sample)
        raise
    yield from _finished(sample)


def _members(file: IO[bytes], streamed: bool) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Regular files only, one after the other."""
    mode: Any = "r|*" if streamed else "r:"
    end = 0
    try:
        with tarfile.open(fileobj=file, mode=mode, tarinfo=_Header) as tar:
            while (member := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]  # a tar of a million members must not be remembered
                if member.size < 0 or tar.offset <= end:  # it would be read for ever
                    raise Damaged(f"a header claims {member.size} bytes")
                end = tar.offset
                if member.isreg() and not member.issparse() and _shown(member.name):
                    yield tar, member
    except SPOILT as error:
        raise Damaged(str(error)[:200]) from error


def _take(sample: Sample, tar: tarfile.TarFile, member: tarfile.TarInfo, streamed: bool) -> None:
    """Add one member to its sample."""
    lower = member.name.lower()
    if lower.endswith(SUFFIXES):
        data = _content(tar, member, MAX_BYTES + 1) if streamed else b""
        sample.parts.append(TarMember(member.name, member.offset_data, member.size, data))
    elif lower.endswith(NOTES) and member.size <= MAX_CAPTION:
        text = _content(tar, member, MAX_CAPTION).decode("utf-8", "replace").strip()
        if lower.endswith(".json"):
            label, caption = _told(text)
        else:
            label, caption = (text, None) if lower.endswith(".cls") else (None, text)
        sample.label, sample.caption = label or sample.label, caption or sample.caption


def _finished(sample: Sample) -> Iterator[Sample]:
    """A sample with a picture; without a class it has that of its first folder."""
    if sample.parts:
        sample.label = sample.label or first_folder(sample.parts[0].name.removeprefix("./"))
        yield sample


def _shown(name: str) -> bool:
    """Whether no part of a name is hidden; `.` and `..` are no names."""
    return all(is_shown(part) for part in name.split("/") if part not in (".", ".."))


def _stem(name: str) -> str:
    """Up to the first dot of the file's own name."""
    folder, _, base = name.rpartition("/")
    return posixpath.join(folder, base.split(".", 1)[0])


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, most: int) -> bytes:
    try:
        file = tar.extractfile(member)
        return file.read(most) if file is not None else b""
    except SPOILT as error:
        raise Damaged(str(error)[:200]) from error


def _told(text: str) -> tuple[str | None, str | None]:
    """Class and caption in the JSON of a sample; JSON that cannot be read says nothing."""
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
    """A header that says when it is spoilt; `tarfile` alone takes that for the end of the tar."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            header = super().frombuf(buf, encoding, errors)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise Damaged(str(error)) from error
        if header.size < 0:
            raise Damaged(f"a header claims {header.size} bytes")
        if header.type in EXTENDED and header.size > MAX_CAPTION:
            raise Damaged(f"an extended header claims {header.size} bytes")  # read in one piece
        return header
