"""One array of an npz pack at a time; a large one goes into an unnamed file instead of memory.

Read without pickle and to the last byte, so that the checksum of the pack is heard. Knows nothing
of pictures.
"""

import math
import zipfile
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ddpm_clip.data.scratch import room

IN_MEMORY_MB = 256
"""Size up to which an array is read into memory."""

BLOCK = 2**20


def unpacked(archive: zipfile.ZipFile, name: str, memory_limit_mb: int = IN_MEMORY_MB,
             ) -> NDArray[Any]:  # fmt: skip
    """The array `name` of an open pack, memory-mapped where it is larger than the limit.

    Raises:
        KeyError, ValueError, BadZipFile, zlib.error: it is not there, or no sound array.
        StorageError: no room for the file.
    """
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as member:
        if info.file_size <= memory_limit_mb * 2**20:
            small: NDArray[Any] = npy.read_array(member, allow_pickle=False)
            return small
        version = npy.read_magic(member)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = header(member)
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or size > info.file_size:
            raise ValueError("its header does not fit its content")
        array = room((size,), np.uint8, f"array {name!r}", memory_limit_mb=memory_limit_mb)
        done = 0
        while block := member.read(BLOCK):
            array[done : done + len(block)] = np.frombuffer(block, np.uint8)
            done += len(block)
        if done != size:
            raise ValueError("it ends too early")
    return array.view(dtype).reshape(shape, order="F" if fortran else "C")
