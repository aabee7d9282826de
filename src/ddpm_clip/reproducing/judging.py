"""Whether what a picture says of its batch and its edit can be, and can be done here.

A picture may come from anyone: it must not ask for more memory than painting does, nor for what
nobody could have painted. Time is not bounded; whoever waits sees how far it is. Knows nothing of
files or models.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ddpm_clip.config.limits import checked_rounds, checked_strength, checked_weights
from ddpm_clip.embedders.prompts import checked_prompt
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
    replace(settings, guidance=tuple(scales)).check()
    low, high = scales
    (own,) = settings.guidance
    at_an_end = own in (low, high)
    if not low <= own <= high or (size <= 2 and not at_an_end) or (size == 1 and low != high):
        raise UsageError("its guidance is none of its batch")


def check_edit(facts: Mapping[str, Any]) -> None:
    """See that what an edit says that it was told is in range.

    Raises:
        UsageError: names what is not.
    """
    if "strength" in facts:
        checked_strength(facts["strength"])
    if "rounds" in facts:
        checked_rounds(facts["rounds"])
    if "weights" in facts:
        checked_weights(facts["weights"])
    if not 0 <= facts.get("share", 0) <= 1:
        raise UsageError(f"share = {str(facts['share'])[:20]} is out of range")
    if "source_digests" in facts:
        _check_ideas(facts)


def check_prompt(prompt: str) -> None:
    """See that a prompt is one as it is used, and nothing would be taken out of it any more.

    Raises:
        UsageError: it is none.
    """
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in prompt):
        raise UsageError("a prompt holds control characters")
    checked_prompt(prompt)


def _check_ideas(facts: Mapping[str, Any]) -> None:
    """What was mixed are prompts, or pictures with a hash; each has its weight."""
    ideas = facts["parts"] if "parts" in facts else [facts["from"], facts["to"]]
    digests, weights = facts["source_digests"], facts.get("weights", ideas)
    if not len(ideas) == len(digests) == len(weights):
        raise UsageError("its parts are not as many as what is said of them")
    for idea, digest in zip(ideas, digests, strict=True):
        if not isinstance(idea, str) or not isinstance(digest, str | None):
            raise UsageError("a part of it is neither a prompt nor a picture")
        if digest is None:
            check_prompt(idea)
