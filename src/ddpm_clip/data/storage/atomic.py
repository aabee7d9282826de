"""Atomic file writes and folder locks of `utils`, with the package's own error messages."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ddpm_clip.errors import Busy, CannotCreate, StorageError
from ddpm_clip.utils import storage
from ddpm_clip.utils.locks import locked


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Replace a file atomically (`ddpm_clip.utils.storage.replacing`), creating its folder.

    Raises:
        StorageError: the disk is full, or writing is not permitted.
    """
    try:
        storage.make_folder(path.parent)
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


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Lock a folder for one writer (`ddpm_clip.utils.locks.locked`).

    Raises:
        Busy: another process holds it. CannotCreate: it cannot be created or written to.
    """
    if folder.exists() and not folder.is_dir():
        raise CannotCreate(f"{folder} is a file", fix="choose another --out", param="out")
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder, lambda holder: Busy.held(folder, holder)))
        except OSError as error:
            fix = "choose another --out"
            raise CannotCreate(f"cannot create {folder}", str(error), fix, param="out") from error
        yield
