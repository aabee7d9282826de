"""Allocates large arrays: in memory, or memory-mapped in an unnamed file above a size limit.

The system deletes such a file when its last memory map is closed, even if the process is killed.
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
    """Return an uninitialised array of `shape`.

    Args:
        shape: Shape of the array.
        dtype: Type of its numbers.
        what: Name of its contents, for the error message.
        home: Folder for the file; by default the system's temporary folder.
        memory_limit_mb: An array of more MiB is memory-mapped.

    Raises:
        StorageError: There is no space for the file.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= memory_limit_mb * 2**20:
        return np.empty(shape, dtype=dtype)
    try:
        with scratch_file(home) as file:
            if hasattr(os, "posix_fallocate"):  # a full disk is an error now, not a signal later
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, dtype=dtype, mode="w+", shape=shape)
    except OSError as error:
        where = home or Path(tempfile.gettempdir())
        raise StorageError(
            f"no space for {size / 2**20:.0f} MiB of {what} in {where}",
            str(error),
            "free disk space, or use fewer or smaller pictures (data.max_samples, data.image_size)",
        ) from error


def scratch_file(home: Path | None = None) -> "tempfile._TemporaryFileWrapper[bytes]":
    """Return an open file without a name."""
    if home is not None:
        home.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=home)  # type: ignore[return-value]
