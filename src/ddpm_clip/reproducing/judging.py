"""Whether what a picture says of its batch can be, and can be done here.

A picture may come from anyone: it must not ask for more memory than painting does, nor for what
nobody could have painted. Time is not bounded; whoever waits sees how far it is. Knows nothing of
files or models.
"""

import re
from collections.abc import Mapping
from typing import Any

from ddpm_clip.config.limits import within
from ddpm_clip.errors import UsageError
from ddpm_clip.generation.settings import Settings

MOST_PIXELS = 2**22
"""Of a batch, all pictures together: as many as 64 of 256x256."""

MOST_VIEWS = 2**13
"""Of a batch, where a CLIP guides."""


def check_place(facts: Mapping[str, Any], settings: Settings) -> None:
    """See that the picture stood in a batch that can have been, and can be painted here.

    Raises:
        UsageError: names what cannot be.
    """
    size, position = facts["batch_pictures"], facts["position"]
    if not 0 <= position < size <= settings.batch or facts["batch"] < 0:
        raise UsageError(f"place {position} in a batch of {size} pictures is none")
    if not re.fullmatch(r"[1-9]\d{0,3}x[1-9]\d{0,3}", facts["size"]):
        raise UsageError(f"size = {facts['size'][:20]!r} is none")
    width, height = map(int, facts["size"].split("x"))
    views = settings.clip_views if settings.clip_guidance > 0 else 0
    if size * width * height > MOST_PIXELS or size * views > MOST_VIEWS:
        raise UsageError(f"a batch of {size} such pictures is more than is painted again at once")
    if not 1 <= facts["threads"] <= 2**16:
        raise UsageError(f"threads = {facts['threads']} is out of range")
    if facts["dtype"] != "float32":
        raise UsageError(f"dtype = {facts['dtype'][:20]!r} is not painted with")


def check_scales(facts: Mapping[str, Any], settings: Settings) -> None:
    """See that the picture's guidance is one of its batch.

    Raises:
        UsageError: names what cannot be.
    """
    scales, size = facts["batch_guidance"], facts["batch_pictures"]
    if len(scales) != 2:
        raise UsageError("the guidance of its batch is no pair of numbers")
    low, high = within("guidance", scales)
    (own,) = settings.guidance
    at_an_end = own in (low, high)
    if not low <= own <= high or (size <= 2 and not at_an_end) or (size == 1 and low != high):
        raise UsageError("its guidance is none of its batch")
