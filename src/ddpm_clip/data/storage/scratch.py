"""Room for large arrays: in memory, or in an unnamed file where they are larger than a limit.

Such a file goes when the last map of it goes, whatever happens to the process. Knows nothing of
what is kept in it.
"""

import math
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddpm_clip.errors import StorageError


def allocate_array(
    shape: tuple[int, ...],
    dtype: DTypeLike,
    what: str,
    *,
    home: Path | None = None,
    memory_limit_mb: int = 4096,
) -> NDArray[Any]:
    """An array of `shape` to be filled.

    Args:
        shape: of the array.
        dtype: of its numbers.
        what: is kept there, for the error.
        home: a folder for the file; by default the system's temporary one.
        memory_limit_mb: a file is taken where the array is larger than so many MiB.

    Raises:
        StorageError: the file has no room.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= memory_limit_mb * 2**20:
        return np.empty(shape, dtype=dtype)
    try:
        with scratch_file(home) as file:
            if hasattr(os, "posix_fallocate"):  # a full disk must be an error now, no signal later
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, dtype=dtype, mode="w+", shape=shape)
    except OSError as error:
        where = home or Path(tempfile.gettempdir())
        raise StorageError(
            f"no room for {size / 2**20:.0f} MiB of {what} in {where}",
            str(error),
            "free some disk, or use fewer or smaller pictures (data.max_samples, data.image_size)",
        ) from error


def scratch_file(home: Path | None = None) -> "tempfile._TemporaryFileWrapper[bytes]":
    """An open file without a name."""
    if home is not None:
        home.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=home)  # type: ignore[return-value]
