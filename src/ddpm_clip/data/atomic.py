"""Files that are there in full or not at all, with an error that says what to do.

Knows nothing of what is written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ddpm_clip.errors import StorageError
from ddpm_clip.utils import storage


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """As `ddpm_clip.utils.storage.replacing`, in a folder that is made where there is none.

    Raises:
        StorageError: the disk is full, or writing is not allowed there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with storage.replacing(path) as temporary:
            yield temporary
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(
            f"cannot write {path}",
            error.strerror or str(error),
            "free some space, or write elsewhere",
        ) from error
