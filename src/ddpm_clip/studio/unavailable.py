"""The form of an answer where a model cannot say something: what, why, and what to do."""

from typing import Any

from ddpm_clip.errors import DdpmClipError


def unavailable(error: DdpmClipError) -> dict[str, Any]:
    """Return the answer in place of a result; it is no failure of the request.

    >>> unavailable(DdpmClipError("no map", "there is no bank", "pack it again"))
    {'unavailable': {'what': 'no map', 'why': 'there is no bank', 'fix': 'pack it again'}}
    """
    return {"unavailable": {"what": error.what, "why": error.why, "fix": error.fix}}
