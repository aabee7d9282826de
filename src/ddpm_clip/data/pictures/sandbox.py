"""Decode pictures in child processes with few resources, so that a crash ends only the child.

Inside `in_children`, `images.open_image` sends bytes to a child and gets pixels back. If a child
dies, or takes too long or too much memory, the picture is left out and the next one gets a new
child. Children are kept for later passes and end with this process.
"""

import atexit
import os
import select
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from PIL import Image

from ddpm_clip.data.pictures import decoding
from ddpm_clip.data.pictures.decoding import ANSWERED, ASKED, READY, Undecodable
from ddpm_clip.errors import DdpmClipWarning, StorageError
from ddpm_clip.utils.untrusted import lacks_limits

SECONDS = 10.0
"""Time limit per picture; the largest allowed picture takes two seconds on one core."""

LONGER = 3
"""How many times that an AVIF or HEIC gets: on one core the largest takes eight seconds."""

START = 60.0
"""Time limit for a child to start; on a busy machine it takes some seconds."""

CHUNK = 2**20

_idle: list["Child"] = []
_of_the_parent: list["Child"] = []  # inherited by a fork: not children of this process
_lock = threading.Lock()
_passes = 0


class Child:
    """A process that decodes pictures, one at a time."""

    def __init__(self) -> None:
        # -P: that file's folder has modules named like ones of the standard library
        command = [sys.executable, "-P", str(Path(decoding.__file__).resolve())]
        quiet = {
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }  # each thread takes address space
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | quiet,
            start_new_session=True,  # only the parent handles Ctrl-C
        )
        try:
            self._read(len(READY), time.monotonic() + START)
        except (EOFError, TimeoutError) as error:
            self.close()
            raise StorageError(
                "cannot start the process that decodes pictures",
                "it ended, or did not answer",
                f"check whether this runs: {' '.join(command)}",
            ) from error

    def decoded(self, data: bytes, background: tuple[int, int, int]) -> Image.Image:
        """Decode a picture as `decoding.decoded` does, in the child.

        Raises:
            Undecodable: it cannot be decoded, for the given reason; a child that fails is closed.
        """
        assert self._process.stdin is not None
        deadline = time.monotonic() + SECONDS * (LONGER if data[4:8] == b"ftyp" else 1)
        try:
            self._process.stdin.write(ASKED.pack(len(data), *background))
            self._process.stdin.write(data)
            self._process.stdin.flush()
            channels, size, width, height = ANSWERED.unpack(self._read(ANSWERED.size, deadline))
            content = self._read(size, deadline)
        except (BrokenPipeError, EOFError) as error:
            self.close()
            raise Undecodable("damaged", "its decoder crashed") from error
        except TimeoutError as error:
            self.close()
            raise Undecodable("too-slow") from error
        if channels:
            return Image.frombytes("RGB" if channels == 3 else "L", (width, height), content)
        reason, _, detail = content.decode("utf-8", "replace").partition("\n")
        raise Undecodable(reason, detail)

    @property
    def alive(self) -> bool:
        """Whether the process is still running."""
        return self._process.poll() is None

    def close(self) -> None:
        """Kill the process."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except BrokenPipeError:  # unsent bytes for the dead process
                pass
        self._process.wait()

    def _read(self, size: int, deadline: float) -> bytes:
        """Read `size` bytes of the answer.

        Raises:
            EOFError: the process has ended. TimeoutError: the deadline has passed.
        """
        assert self._process.stdout is not None
        handle, parts = self._process.stdout.fileno(), bytearray()
        while len(parts) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([handle], [], [], left)[0]:
                raise TimeoutError
            part = os.read(handle, min(CHUNK, size - len(parts)))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)


@cache
def warn_of_no_limits() -> None:
    """Say, once, where the system cannot bound what reading strangers' files takes."""
    if told := lacks_limits():
        warnings.warn(told, DdpmClipWarning, stacklevel=2)


@contextmanager
def in_children() -> Iterator[None]:
    """Decode pictures in children inside this context, in any thread; passes may overlap."""
    global _passes
    warn_of_no_limits()
    with _lock:
        _passes += 1
    try:
        yield
    finally:
        with _lock:
            _passes -= 1


def wanted() -> bool:
    """Return whether pictures are to be decoded in children now."""
    return _passes > 0 and os.name == "posix"


def decoded(data: bytes, background: tuple[int, int, int]) -> Image.Image:
    """Decode a picture in an idle child, or in a new one.

    Raises:
        Undecodable: it cannot be decoded, for the given reason.
    """
    with _lock:
        child = _idle.pop() if _idle else None
    if child is None or not child.alive:
        child = Child()
    try:
        return child.decoded(data, background)
    finally:
        if child.alive:
            with _lock:
                _idle.append(child)


def _close_idle() -> None:
    while _idle:
        _idle.pop().close()


def _forget() -> None:
    """After a fork: leave the children to the parent process."""
    _of_the_parent.extend(_idle)
    _idle.clear()


atexit.register(_close_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
