"""The models that ship, one folder each.

- `card`: the card of a packed model: what it is called, what it was made with, and its config
"""

from importlib.resources import files
from pathlib import Path


def shipped_names() -> list[str]:
    """The shipped models."""
    root = Path(str(files(__name__)))
    return sorted(folder.name for folder in root.iterdir() if (folder / "config.json").is_file())


def shipped_folder(name: str) -> Path | None:
    """The folder of a shipped model, or None where there is none of that name."""
    return Path(str(files(__name__))) / name if name in shipped_names() else None
