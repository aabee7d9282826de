"""Safely reads one array of an npz pack; a large one is memory-mapped in an unnamed file.

It is read without pickle and to the last byte, so that the checksum of the pack is verified.
"""

import math
import zipfile
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ddpm_clip.data.storage.scratch import allocate_array
from ddpm_clip.utils.untrusted import MAX_NUMBERS

IN_MEMORY_MB = 256
"""Largest array in MiB that is read into memory."""

BLOCK = 2**20

PACKED = 200
"""Largest ratio of an array to its compressed size, if it is too large for memory."""


def unpacked(
    archive: zipfile.ZipFile, name: str, memory_limit_mb: int = IN_MEMORY_MB, most: int = PACKED
) -> NDArray[Any]:
    """Return the array `name` of an open pack, memory-mapped if it is larger than the limit.

    Args:
        archive: The open npz pack.
        name: Name of the array.
        memory_limit_mb: Largest array in MiB that is read into memory.
        most: Largest ratio to the compressed size, for arrays above that limit.

    Raises:
        KeyError, ValueError, BadZipFile, zlib.error: The array is missing or damaged.
        StorageError: There is no space for the file.
    """
    info = archive.getinfo(f"{name}.npy")
    large = info.file_size > memory_limit_mb * 2**20
    packed = min(info.compress_size, archive.start_dir)  # a pack may state a false size
    if large and info.file_size > most * max(1, packed):
        raise ValueError(
            f"it expands to {info.file_size:,} bytes, more than {most} times its compressed size"
        )
    with archive.open(info) as member:
        shape, fortran, dtype = _header(member)
        size = math.prod(shape) * dtype.itemsize
        unsound = dtype.hasobject or not dtype.itemsize or min(shape, default=0) < 0
        if unsound or size > info.file_size or math.prod(max(1, n) for n in shape) > MAX_NUMBERS:
            raise ValueError("its header does not match its content")
        if not large:
            data = member.read()  # to the end, where the checksum is verified
            if len(data) != size:
                raise ValueError("its header does not match its content")
            small = np.frombuffer(bytearray(data), dtype) if size else np.empty(shape, dtype)
            return small.reshape(shape, order="F" if fortran else "C")
        array = allocate_array(
            (size,), np.uint8, f"array {name!r}", memory_limit_mb=memory_limit_mb
        )
        done = 0
        while block := member.read(BLOCK):
            array[done : done + len(block)] = np.frombuffer(block, np.uint8)
            done += len(block)
        if done != size:
            raise ValueError("it is cut off")
    return array.view(dtype).reshape(shape, order="F" if fortran else "C")


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, Fortran order and dtype, for the two format versions of plain arrays."""
    version = npy.read_magic(member)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"its format version {version} is not that of a plain array")
    return readers[version](member)
