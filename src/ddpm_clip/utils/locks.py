"""A lock that allows one writer per folder and is released when its process ends, in any way.

Imports nothing heavy, so that a second writer is refused at once.
"""

import errno
import json
import os
import socket
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from ddpm_clip.utils.storage import make_folder

LOCK = "lock"
"""The lock file in a folder; it names the process that holds the lock."""

FIRST_BYTE = b" "
"""Windows makes the locked first byte unreadable, so the holder's details come after it."""

NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""Errors of systems and file systems without locks."""


@contextmanager
def locked(folder: Path, refusal: Callable[[str], Exception]) -> Iterator[None]:
    """Lock a folder for one writer; create it if it does not exist.

    The system releases the lock when the process ends, so a killed process leaves nothing to clean
    up. Folders created for the lock that are still empty at the end are removed again.

    Args:
        folder: the folder to lock.
        refusal: makes the error to raise if another process holds it, from a text that says who.

    Raises:
        OSError: the folder cannot be created or written to.
    """
    made = make_folder(folder)
    try:
        handle = _acquired(folder / LOCK, refusal)
        try:
            yield
        finally:
            _release(folder / LOCK, handle)
    finally:
        for one in made:
            with suppress(OSError):  # it is not empty any more
                one.rmdir()


def holding(folder: Path) -> int | None:
    """Return the id of the process on this machine that holds a folder's lock; None if none does.

    A lock that was left by a killed process is not held.
    """
    path = folder / LOCK
    try:
        handle = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    try:
        entry = json.loads(os.pread(handle, 1000, len(FIRST_BYTE)))
        if _is_free(handle) or entry["host"] != socket.gethostname():
            return None
        return int(entry["pid"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    finally:
        os.close(handle)


def holder(path: Path) -> str:
    """Return who holds a lock, in words, from the holder's entry in the lock file."""
    for wait in (0.01, 0.05, 0.2, 0):  # the holder writes its entry just after locking
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(len(FIRST_BYTE))
                entry = json.loads(file.read())
            return f"process {entry['pid']} on {entry['host']}, since {entry['since']}"
        except (OSError, ValueError, TypeError, KeyError):
            time.sleep(wait)
    return "a process that has just started"


def _acquired(path: Path, refusal: Callable[[str], Exception]) -> int:
    while True:
        # do not follow a link, which may lead to someone else's file
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            mine = _is_free(handle)
        except OSError:
            os.close(handle)
            raise
        if mine and _is_still(path, handle):
            entry = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
            os.truncate(handle, 0)
            os.write(handle, FIRST_BYTE + json.dumps(entry).encode())
            return handle
        os.close(handle)
        if not mine:
            raise refusal(holder(path))


def _is_free(handle: int) -> bool:
    """Try to lock an open file; also true if the file system has no locks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a system without locks: handled below
        from filelock import lock_descriptor
    try:
        return lock_descriptor(handle, blocking=False)
    except OSError as error:
        if error.errno not in NO_LOCKS_HERE:
            raise
        return True


def _release(path: Path, handle: int) -> None:
    """Delete the file while it is locked (see `_is_still`), or after, where that is impossible."""
    try:
        path.unlink(missing_ok=True)
        os.close(handle)
    except PermissionError:  # Windows does not delete open files
        os.close(handle)
        with suppress(OSError):  # another process has already opened it
            path.unlink(missing_ok=True)


def _is_still(path: Path, handle: int) -> bool:
    """Return whether the locked file is the one that others will find at `path`."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:  # its last holder deleted it between our opening and locking
        return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
