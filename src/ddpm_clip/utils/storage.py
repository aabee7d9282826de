"""Atomic writing that survives a crash: a file or folder exists completely, or not at all."""

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TEMPORARY, DOOMED = ".tmp-", ".del-"
ON_WINDOWS = os.name == "nt"


def sync(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are safe on disk even from a power cut."""
    if ON_WINDOWS and path.is_dir():  # cannot open folders, and writes their entries by itself
        return
    handle = os.open(path, os.O_RDWR if ON_WINDOWS else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> list[Path]:
    """Make a folder with its parents, synced to disk; return the new ones, deepest first."""
    absent = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in absent:
        sync(one.parent)
    return absent


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; on leaving the block, it replaces `path` in one step.

    If the block raises, `path` is unchanged and the temporary file is deleted.
    """
    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file in one step."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step, with text in UTF-8."""
    write_bytes(path, text.encode("utf-8"))


@contextmanager
def published_folder(path: Path) -> Iterator[Path]:
    """Yield a folder to fill; on leaving the block it appears as `path` by one rename.

    Every file in it is synced before the rename, so that not even a power cut leaves a folder of
    this name with incomplete files. If the block raises, nothing appears.
    """
    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    make_folder(path.parent)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        sync_tree(temporary)
        doomed = _aside(path) if path.exists() else None
        os.rename(temporary, path)
        sync(path.parent)
        if doomed is not None:
            shutil.rmtree(doomed, ignore_errors=True)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def remove_folder(path: Path) -> None:
    """Delete a folder so that a half-deleted one is never mistaken for a complete one."""
    doomed = _aside(path)
    sync(path.parent)  # otherwise a power cut may restore the name without the files
    shutil.rmtree(doomed, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove half-written or half-deleted files after a crash; only for the folder's writer."""
    for prefix in (TEMPORARY, DOOMED):
        for path in folder.glob(f"{prefix}*"):
            remove(path)


def remove(path: Path) -> None:
    """Delete a file, or a folder with its contents, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync_tree(folder: Path) -> None:
    """Sync every file and folder below `folder`, and `folder` itself."""
    for place, _, names in os.walk(folder):
        for name in names:
            sync(Path(place, name))
        sync(Path(place))


def reserve(folder: Path, size: int) -> None:
    """Check that `size` bytes can be written in a folder, by writing and deleting a file.

    Raises:
        OSError: They cannot: no space, a quota or limit, or no permission.
    """
    path = folder / f"{TEMPORARY}room"
    try:
        with open(path, "wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, max(size, 1))
            else:
                file.truncate(size)
            file.write(b"room")
            file.flush()
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)


def append_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append JSON objects, one per line; if that fails, none is added.

    An incomplete last line, left by a crash, stays on a line of its own.
    """
    data = "".join(json.dumps(row) + "\n" for row in rows).encode("utf-8")
    with open(path, "a+b", buffering=0) as file:
        length = file.seek(0, os.SEEK_END)
        if length:
            file.seek(length - 1)
            data = data if file.read(1) == b"\n" else b"\n" + data
        try:
            while data:
                data = data[file.write(data) :]
            os.fsync(file.fileno())
        except OSError:
            os.truncate(path, length)
            raise


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the JSON objects of a file, one per line; [] if there is no file.

    An incomplete or damaged line is left out; a crash can only damage the last one.
    """
    if not path.is_file():
        return []
    rows = []
    for line in path.read_bytes().splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _aside(path: Path) -> Path:
    """Rename a folder to a name that marks it for deletion, and return its new path."""
    doomed = path.with_name(f"{DOOMED}{path.name}")
    shutil.rmtree(doomed, ignore_errors=True)
    os.rename(path, doomed)
    return doomed


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hex.

    Raises:
        OSError: The file cannot be read, or is not a regular file (a pipe would never end).
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path} is not a regular file")
        return hashlib.file_digest(file, "sha256").hexdigest()
