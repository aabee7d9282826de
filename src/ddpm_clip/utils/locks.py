"""One writer a folder: a lock that ends with its holder, however that ends.

Leaf, and imports nothing heavy, so that a second writer can leave at once.
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
"""The file in a folder that its writer holds; it says who that is."""

FIRST_BYTE = b" "
"""Windows locks the first byte and lets nobody read it; what the holder says comes after."""

NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""What systems and file systems answer that know no locks."""


@contextmanager
def locked(folder: Path, refusal: Callable[[str], Exception]) -> Iterator[None]:
    """Hold a folder for one writer. It is made where there is none.

    The system lets go of the lock when the process ends, so a killed one leaves nothing to clear
    away. What was made for it and is still empty at the end is taken away again.

    Args:
        folder: to hold.
        refusal: the error to raise where another holds it, from words that say who.

    Raises:
        OSError: the folder cannot be made or written in.
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
            with suppress(OSError):  # something has come into it
                one.rmdir()


def holder(path: Path) -> str:
    """Who holds a lock, as it said of itself; words for the case that it said nothing yet."""
    for wait in (0.01, 0.05, 0.2, 0):  # between taking the lock and saying so lies a moment
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(len(FIRST_BYTE))
                told = json.loads(file.read())
            return f"process {told['pid']} on {told['host']}, since {told['since']}"
        except (OSError, ValueError, TypeError, KeyError):
            time.sleep(wait)
    return "a process that has only just begun"


def _acquired(path: Path, refusal: Callable[[str], Exception]) -> int:
    while True:
        # not through a link, which may lead to a file of somebody else
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            mine = _is_free(handle)
        except OSError:
            os.close(handle)
            raise
        if mine and _is_still(path, handle):
            told = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
            os.truncate(handle, 0)
            os.write(handle, FIRST_BYTE + json.dumps(told).encode())
            return handle
        os.close(handle)
        if not mine:
            raise refusal(holder(path))


def _is_free(handle: int) -> bool:
    """Lock an open file, unless another process has; true as well where no locks are known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a system without locks: see below
        from filelock import lock_descriptor
    try:
        return lock_descriptor(handle, blocking=False)
    except OSError as error:
        if error.errno not in NO_LOCKS_HERE:
            raise
        return True


def _release(path: Path, handle: int) -> None:
    """Take the file away while it is held (see `_is_still`), or after where that cannot be."""
    try:
        path.unlink(missing_ok=True)
        os.close(handle)
    except PermissionError:  # Windows takes no open file away
        os.close(handle)
        with suppress(OSError):  # another has it open already
            path.unlink(missing_ok=True)


def _is_still(path: Path, handle: int) -> bool:
    """Whether the file that was locked is the one that others will find."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:  # its last holder took it away between opening and locking
        return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
