"""Shortens an untrusted path of a source or model so that it cannot leave the working folder.

Nothing is opened here.
"""

from pathlib import Path

from ddpm_clip.data.remote.tar_shards import expanded
from ddpm_clip.errors import UsageError


def inside(place: str | None) -> str | None:
    """Return a place such as `x` or `npz:x:test`, with paths out of here cut to their last name.

    Returns None if the last name leads out as well, as `..` and `~` do, or if braces hide it.

    >>> inside("folder:/home/me/roses"), inside("npz:a/b.npz:test"), inside("../..")
    ('folder:roses', 'npz:a/b.npz:test', None)
    """
    parts = (place or "").split(":")
    names = [Path(part).name if _leads_out(part) else part for part in parts]
    hidden = any(_leads_out(part) and "{" in part for part in parts)
    astray = any(_leads_out(name) or not name for name in names)
    return None if hidden or astray else ":".join(names)


def _leads_out(path: str) -> bool:
    try:
        paths = expanded(path)
    except UsageError:  # it expands to too many paths
        return True
    return any(p.startswith(("/", "~")) or ".." in Path(p).parts for p in paths)
