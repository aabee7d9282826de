"""Checkpoints: folders that are published by one rename and verified by hash.

    step-000500/  model, ema, optimizer .safetensors; state.json; manifest.json with SHA-256

Knows nothing of networks or of runs: named groups of tensors and a small JSON state.
"""

import json
import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ddpm_clip.errors import StorageError
from ddpm_clip.utils.storage import DOOMED, published_folder, remove_folder, sha256, write_text
from ddpm_clip.utils.tensors import load_tensors, save_tensors

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One published state: named groups of tensors and a small JSON state."""

    step: int
    tensors: dict[str, dict[str, Tensor]]
    state: dict[str, Any]


def path_of(home: Path, step: int) -> Path:
    """The folder of one checkpoint."""
    return home / f"step-{step:06d}"


def published_steps(home: Path) -> list[int]:
    """Steps with a published checkpoint, rising."""
    names = [path.name.removeprefix("step-") for path in home.glob("step-*")]
    return sorted(int(name) for name in names if name.isdecimal())


def publish(home: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint; it is there whole when this returns, or not at all.

    Raises:
        StorageError: the disk is full or does not let us write.
    """
    path = path_of(home, checkpoint.step)
    try:
        home.mkdir(exist_ok=True)
        with published_folder(path) as folder:
            for name, tensors in checkpoint.tensors.items():
                save_tensors(folder / f"{name}.safetensors", tensors)
            state = {"step": checkpoint.step, **checkpoint.state}
            write_text(folder / "state.json", json.dumps(state))
            hashes = {file.name: sha256(file) for file in sorted(folder.iterdir())}
            manifest = {"format": FORMAT, "sha256": hashes}
            write_text(folder / "manifest.json", json.dumps(manifest))
    except OSError as error:
        raise StorageError(
            f"cannot save {path}",
            str(error),
            "free some space; the checkpoint before this one is intact",
        ) from error
    return path


def prune(home: Path, keep: Collection[int | None]) -> None:
    """Delete all checkpoints but those of the steps in `keep`, and what a crash half-deleted."""
    for step in published_steps(home):
        if step not in keep:
            remove_folder(path_of(home, step))
    for leftover in home.glob(f"{DOOMED}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def read(path: Path, groups: Iterable[str] | None = None) -> Checkpoint:
    """Read a checkpoint whose every file matches its hash; only some groups where so asked.

    Raises:
        StorageError: something is missing or damaged.
    """
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        for name, expected in manifest["sha256"].items():
            if sha256(path / name) != expected:
                raise StorageError(
                    f"checkpoint is damaged: {path / name}",
                    "its SHA-256 does not match manifest.json",
                )
        wanted = None if groups is None else set(groups)
        files = [
            file for file in path.glob("*.safetensors") if wanted is None or file.stem in wanted
        ]
        tensors = {file.stem: load_tensors(file) for file in files}
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
    except StorageError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"checkpoint is damaged: {path}", str(error)) from error
    return Checkpoint(int(path.name.removeprefix("step-")), tensors, state)
