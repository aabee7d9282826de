"""Returns freed memory to the operating system between two memory-hungry stages."""

import ctypes
import sys


def give_back() -> None:
    """Return the freed memory that pyarrow and the C library keep for later use.

    Both keep much of it after a stage that needed a lot, on top of which the next stage allocates.
    """
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl does not
        if trim is not None:
            trim(0)
