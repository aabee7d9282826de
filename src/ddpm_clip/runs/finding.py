"""Finds the folder of a model by the name that a user gives; opens nothing, and loads no torch."""

from pathlib import Path

from ddpm_clip.errors import MissingInput
from ddpm_clip.utils.untrusted import is_file, user_path
from ddpm_clip.weights import shipped_folder, shipped_names
from ddpm_clip.weights.card import CARD


def find(name: str | Path) -> Path:
    """Return the folder of a model, given as a run or packed folder or a shipped model's name.

    Raises:
        MissingInput: There is no such model.
    """
    path = user_path(name)
    for candidate in (path, path.with_suffix("")) if path.suffix in (".pth", ".pt") else (path,):
        if is_file(candidate / CARD) or is_file(candidate / "config.yaml"):
            return candidate
    if shipped := shipped_folder(str(name)):
        return shipped
    raise MissingInput(
        f"no model {str(name)[:200]!r}",
        "it is neither a run, nor a packed model, nor a shipped model",
        f"give a run folder, or a shipped model: {', '.join(shipped_names()) or 'none'}",
        param="model",
    )
