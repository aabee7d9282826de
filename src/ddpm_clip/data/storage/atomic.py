"""Files that are there in full or not at all, and folders with one writer, with errors that help.

Knows nothing of what is written.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ddpm_clip.errors import Busy, CannotCreate, StorageError
from ddpm_clip.utils import storage
from ddpm_clip.utils.locks import locked


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """As `ddpm_clip.utils.storage.replacing`, in a folder that is made where there is none.

    Raises:
        StorageError: the disk is full, or writing is not allowed there.
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
    """`ddpm_clip.utils.locks.locked`, with an error of ours.

    Raises:
        Busy: another process holds it. CannotCreate: it cannot be made or written in.
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
