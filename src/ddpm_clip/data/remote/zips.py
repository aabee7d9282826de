"""Lists the members of a zip by its directory, and reads one of them; nothing is ever unpacked.

A zip may come from anyone. Its directory is read entry by entry, so that a million entries take no
memory; sizes are bounded before anything is decompressed, and no more is decompressed than a member
claims. Member names are only names: nothing is opened or written by them.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

STORED, DEFLATED = 0, 8
METHODS = {
    1: "Shrink", 6: "Implode", 9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz",
    99: "AES encryption",
}  # fmt: skip

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s4B4H3L5H2L")
_LOCAL = struct.Struct("<4s2B4H3L2H")
_ENCRYPTED, _UTF_8 = 0x1, 0x800
_UNIX, _LINK = 3, 0o120000
_WIDE = 0xFFFFFFFF
"""A 32-bit field that says that the value is in the extra field."""


class DamagedZip(Exception):
    """The directory of a zip cannot be read, from some entry on."""


class UnreadableMember(Exception):
    """A member cannot be read; `reason` is a key of `images.REASONS`."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class ZipMember:
    """One file in a zip, as the zip's directory describes it.

    Attributes:
        name: path with forward slashes; may be absolute or have `..`, since nothing opens it.
        offset: position of its local header in the file.
        packed: compressed size in bytes.
        size: size in bytes.
        crc: CRC-32 of the content.
        method: number of the compression method.
        is_encrypted: whether a password is needed.
        is_link: whether it is a symbolic link.
    """

    name: str
    offset: int
    packed: int
    size: int
    crc: int
    method: int
    is_encrypted: bool
    is_link: bool


def members(file: BinaryIO) -> Iterator[ZipMember]:
    """Yield the files of a zip in the order of its directory, links and encrypted ones included.

    Raises:
        DamagedZip: It has no directory, or the directory is damaged; raised after the entries
            before the damage.
    """
    start, left, shift = _directory(file)
    file.seek(start + shift)
    while left > 0:
        head = file.read(_ENTRY.size)
        if len(head) < _ENTRY.size or head[:4] != b"PK\1\2":
            raise DamagedZip("its directory is cut off")
        fields = _ENTRY.unpack(head)
        name_size, extra_size, note_size = fields[12:15]
        name, extra = file.read(name_size), file.read(extra_size)
        file.seek(note_size, os.SEEK_CUR)
        left -= _ENTRY.size + name_size + extra_size + note_size
        if left < 0 or len(extra) < extra_size:
            raise DamagedZip("its directory is longer than it says")
        member = _member(fields, name, extra, shift)
        if not member.name.endswith("/"):
            yield member


def content(file: BinaryIO, member: ZipMember, limit: int) -> bytes:
    """Return the content of one member, of at most `limit` bytes.

    Raises:
        UnreadableMember: It is too large, a link, encrypted, compressed in an unknown way or
            damaged.
    """
    data = _unpacked(file, member, limit, member.size)
    if len(data) < member.size:
        raise UnreadableMember("truncated")
    if zlib.crc32(data) != member.crc:
        raise UnreadableMember("damaged", "its checksum is wrong")
    return data


def beginning(file: BinaryIO, member: ZipMember, most: int) -> bytes:
    """Return the first `most` bytes of a member, unchecked; b"" if it cannot be read."""
    try:
        return _unpacked(file, member, 2**62, min(most, member.size))
    except (UnreadableMember, OSError):
        return b""


def _unpacked(file: BinaryIO, member: ZipMember, limit: int, most: int) -> bytes:
    """Decompress at most `most` bytes; one byte more means that it is larger than it says."""
    if member.is_link:
        raise UnreadableMember("not-a-file", "a link in a zip")
    if member.is_encrypted:
        raise UnreadableMember("unreadable", "it is encrypted; make a zip without a password")
    if member.size > limit or member.packed > limit:
        raise UnreadableMember("too-large", "too many bytes")
    if member.method not in (STORED, DEFLATED):
        named = METHODS.get(member.method, f"method {member.method}")
        raise UnreadableMember("unreadable", f"compressed by {named}; make a plain zip")
    _seek_content(file, member)
    if member.method == STORED:
        return file.read(min(member.packed, most))
    part = member.packed if most == member.size else min(member.packed, 2 * most + 1024)
    try:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(file.read(part), most + 1)
    except zlib.error as error:
        raise UnreadableMember("damaged", str(error)[:200]) from error
    if len(data) > member.size:
        raise UnreadableMember("damaged", "it is larger than the zip says")
    return data[:most]


def _seek_content(file: BinaryIO, member: ZipMember) -> None:
    """Move behind the local header, whose sizes are not looked at: the directory's count."""
    file.seek(member.offset)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
        raise UnreadableMember("damaged", "the zip has no such member where it says")
    name_size, extra_size = _LOCAL.unpack(head)[-2:]
    file.seek(name_size + extra_size, os.SEEK_CUR)


def _directory(file: BinaryIO) -> tuple[int, int, int]:
    """Return start and size of the directory, and how many bytes precede the zip.

    A program may stand before a zip; then all its offsets are too small by the program's size.
    """
    total = file.seek(0, os.SEEK_END)
    file.seek(max(0, total - _END.size - 0xFFFF))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        raise DamagedZip("it is cut off, or no zip: it has no directory")
    *_, size, start, _ = _END.unpack_from(tail, at)
    end = total - len(tail) + at
    wide = _wide_directory(file, end)
    if wide is not None:
        start, size, end = wide
    shift = end - size - start
    if shift < 0:
        raise DamagedZip("its directory is not where it says")
    return start, size, shift


def _wide_directory(file: BinaryIO, end: int) -> tuple[int, int, int] | None:
    """Return start, size and end of a directory of zip64; None without one."""
    if end < _LOCATOR.size:
        return None
    file.seek(end - _LOCATOR.size)
    sign, _, place, _ = _LOCATOR.unpack(file.read(_LOCATOR.size))
    if sign != b"PK\6\7":
        return None
    for where in (place, end - _LOCATOR.size - _END_64.size):  # the latter behind a program
        if 0 <= where <= end - _END_64.size:
            file.seek(where)
            fields = _END_64.unpack(file.read(_END_64.size))
            if fields[0] == b"PK\6\6":
                return fields[9], fields[8], where
    raise DamagedZip("its directory is not where it says")


def _member(fields: tuple[int, ...], name: bytes, extra: bytes, shift: int) -> ZipMember:
    system, flags, method, crc = fields[2], fields[5], fields[6], fields[9]
    packed, size, attributes, offset = fields[10], fields[11], fields[17], fields[18]
    size, packed, offset = _widened(extra, size, packed, offset)
    return ZipMember(
        name.decode("utf-8" if flags & _UTF_8 else "cp437", "replace").replace("\\", "/"),
        offset + shift,
        packed,
        size,
        crc,
        method,
        bool(flags & _ENCRYPTED),
        system == _UNIX and (attributes >> 16) & 0o170000 == _LINK,
    )


def _widened(extra: bytes, *values: int) -> list[int]:
    """Replace 32-bit values that are too small for a large zip by those of the extra field."""
    wide = _extra_field(extra, 1)
    found = []
    for value in values:
        if value == _WIDE and len(wide) >= 8:
            value, wide = int.from_bytes(wide[:8], "little"), wide[8:]
        found.append(value)
    return found


def _extra_field(extra: bytes, kind: int) -> bytes:
    at = 0
    while at + 4 <= len(extra):
        number, size = struct.unpack_from("<HH", extra, at)
        if number == kind:
            return extra[at + 4 : at + 4 + size]
        at += 4 + size
    return b""
