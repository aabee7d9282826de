"""The models that ship, one folder each.

- `card`: reads and checks the model card (`config.json`) of a packed model
- `licence`: whose work weights were adapted from, and under which licence they are passed on
"""

from importlib.resources import files
from pathlib import Path


def shipped_names() -> list[str]:
    """Return the names of the shipped models, sorted."""
    root = Path(str(files(__name__)))
    return sorted(folder.name for folder in root.iterdir() if (folder / "config.json").is_file())


def shipped_folder(name: str) -> Path | None:
    """Return the folder of a shipped model, or None if there is none of that name."""
    return Path(str(files(__name__))) / name if name in shipped_names() else None
