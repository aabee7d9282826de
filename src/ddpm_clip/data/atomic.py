"""Files that are there in full or not at all, also after a power cut.

Knows nothing of what is written.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ddpm_clip.errors import StorageError

TEMPORARY = ".tmp-"
"""How unfinished files begin; whoever lists a folder leaves them out."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on leaving, it becomes `path` in one step.

    If the block raises, `path` is what it was and the temporary file is gone.

    Raises:
        StorageError: the disk is full, or writing is not allowed there.
    """
    temporary = path.with_name(TEMPORARY + path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(
            f"cannot write {path}",
            error.strerror or str(error),
            "free some space, or write elsewhere",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until the disk has it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
