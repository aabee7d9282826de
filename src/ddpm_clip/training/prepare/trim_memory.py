"""Freed memory, handed back to the system between two stages that need much.

Knows nothing of what the memory held.
"""

import ctypes
import sys


def give_back() -> None:
    """Let the system have the freed memory that pyarrow and the C library keep for later.

    Both keep much of it after a stage that needed much, and the next stage comes on top.
    """
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl does not
        if trim is not None:
            trim(0)
