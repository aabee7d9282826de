"""Decoding in child processes of small means: what a picture can do to a codec ends with the child.

While `in_children` holds, `images.open_image` sends bytes to a child and gets pixels back. A
child that dies, takes too long or too much memory is a reason to leave that picture out, and the
next picture gets another child. Children are kept for the next pass and end with this process.
Knows nothing of formats.
"""

import atexit
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from ddpm_clip.data.pictures import decoding
from ddpm_clip.data.pictures.decoding import ANSWERED, ASKED, READY, Undecodable
from ddpm_clip.errors import StorageError
from ddpm_clip.utils.untrusted import warn_of_no_limits

SECONDS = 10.0
"""A picture's time; the largest that is allowed takes two on one core."""

START = 60.0
"""A child's time to start; on a busy machine it is some seconds."""

CHUNK = 2**20

_idle: list["Child"] = []
_of_the_parent: list["Child"] = []  # after a fork they are no children of ours
_lock = threading.Lock()
_passes = 0


class Child:
    """One process that decodes pictures, one at a time."""

    def __init__(self) -> None:
        # -P: the folder of that file is full of names that the standard library has too
        command = [sys.executable, "-P", str(Path(decoding.__file__).resolve())]
        quiet = {
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }  # each thread is address space
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | quiet,
            start_new_session=True,  # Ctrl-C is the parent's to hear
        )
        try:
            self._read(len(READY), time.monotonic() + START)
        except (EOFError, TimeoutError) as error:
            self.close()
            raise StorageError(
                "cannot start the process that decodes pictures",
                "it ended, or never answered",
                f"see whether this runs: {' '.join(command)}",
            ) from error

    def decoded(self, data: bytes, background: tuple[int, int, int]) -> Image.Image:
        """As `decoding.decoded`, in the child.

        Raises:
            Undecodable: with the reason; `close` the child where it has died of it.
        """
        assert self._process.stdin is not None
        deadline = time.monotonic() + SECONDS
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
        """Whether it can be sent another picture."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except BrokenPipeError:  # it still held bytes for the dead
                pass
        self._process.wait()

    def _read(self, size: int, deadline: float) -> bytes:
        """So many bytes of its answer.

        Raises:
            EOFError: it has ended. TimeoutError: the time is up.
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


@contextmanager
def in_children() -> Iterator[None]:
    """Inside, pictures are decoded in children, in whichever thread; passes may overlap."""
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
    """Whether a pass over strangers' pictures is under way."""
    return _passes > 0 and os.name == "posix"


def decoded(data: bytes, background: tuple[int, int, int]) -> Image.Image:
    """`Child.decoded` by a child that is idle, or by a new one.

    Raises:
        Undecodable: with the reason.
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
    """In a fork: another process speaks with those children."""
    _of_the_parent.extend(_idle)
    _idle.clear()


atexit.register(_close_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
