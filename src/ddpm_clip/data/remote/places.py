"""Where a source or model lies, as a text that somebody else may have written.

Knows nothing of what lies there, and opens nothing.
"""

from pathlib import Path

from ddpm_clip.data.remote.tar_shards import expanded
from ddpm_clip.errors import UsageError


def inside(place: str | None) -> str | None:
    """A place, as `x` or `npz:x:test`, with the last name only of what leads out of here.

    None where even that does, as `..` and `~` do, or where braces hide it.

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
    except UsageError:  # too many to look at
        return True
    return any(p.startswith(("/", "~")) or ".." in Path(p).parts for p in paths)
