"""Packed models as earlier versions left them."""

import shutil
from pathlib import Path

from ddpm_clip.conditioning.files import BRIDGE_NOTE, TENSORS
from ddpm_clip.utils.tensors import load_tensors, save_tensors


def before_priors(name: str, home: Path) -> Path:
    """Copy a shipped model without its prior and the note on its bridge."""
    from ddpm_clip.runs.pretrained import find

    folder = shutil.copytree(find(name), home / name)
    tensors = load_tensors(folder / TENSORS)
    kept = {key: value for key, value in tensors.items() if not key.startswith("prior.")}
    assert len(kept) < len(tensors)
    save_tensors(folder / TENSORS, kept)
    (folder / BRIDGE_NOTE).unlink()
    return folder
