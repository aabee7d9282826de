"""Validate what a picture records of its batch, before it is painted again.

A picture may come from anyone: it must not request more memory than painting needs, nor a batch
that cannot have existed. Time is not limited, since the user sees the progress.
"""

import re
from collections.abc import Mapping
from typing import Any

from ddpm_clip.config.limits import within
from ddpm_clip.errors import UsageError
from ddpm_clip.generation.settings import Settings

MOST_PIXELS = 2**22
"""Most pixels in all pictures of a batch together, such as 64 pictures of 256x256."""

MOST_VIEWS = 2**13
"""Most views of a batch, with CLIP guidance."""


def check_place(facts: Mapping[str, Any], settings: Settings) -> None:
    """Check that the picture's batch is possible, and can be painted here.

    Raises:
        UsageError: Names what is impossible.
    """
    size, position = facts["batch_pictures"], facts["position"]
    if not 0 <= position < size <= settings.batch or facts["batch"] < 0:
        raise UsageError(f"place {position} in a batch of {size} pictures is impossible")
    if not re.fullmatch(r"[1-9]\d{0,3}x[1-9]\d{0,3}", facts["size"]):
        raise UsageError(f"size = {facts['size'][:20]!r} is not a valid size")
    width, height = map(int, facts["size"].split("x"))
    views = settings.clip_views if settings.clip_guidance > 0 else 0
    if size * width * height > MOST_PIXELS or size * views > MOST_VIEWS:
        raise UsageError(f"a batch of {size} such pictures is too large to paint again")
    if not 1 <= facts["threads"] <= 2**16:
        raise UsageError(f"threads = {facts['threads']} is out of range")
    if facts["dtype"] != "float32":
        raise UsageError(f"dtype = {facts['dtype'][:20]!r} is not supported")


def check_scales(facts: Mapping[str, Any], settings: Settings) -> None:
    """Check that the picture's guidance scale is possible in its batch.

    Raises:
        UsageError: Names what is impossible.
    """
    scales, size = facts["batch_guidance"], facts["batch_pictures"]
    if len(scales) != 2:
        raise UsageError("the guidance of its batch is not a pair of numbers")
    low, high = within("guidance", scales)
    (own,) = settings.guidance
    at_an_end = own in (low, high)
    if not low <= own <= high or (size <= 2 and not at_an_end) or (size == 1 and low != high):
        raise UsageError("its guidance is not in the range of its batch")
