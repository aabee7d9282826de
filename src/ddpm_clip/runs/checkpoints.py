"""Writes checkpoints: folders that appear by one rename and are verified by hash.

    step-000500/     model, ema, optimizer .safetensors; state.json; manifest.json with SHA-256
    damaged-000500/  a checkpoint that failed its hashes, set aside by the next writer

Knows nothing of networks: a checkpoint is named groups of tensors and a small JSON state.
"""

import errno
import json
import os
import shutil
import warnings
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

import ddpm_clip
from ddpm_clip.errors import DataError, DdpmClipWarning, StorageError
from ddpm_clip.runs.file_names import numbered, published_steps
from ddpm_clip.utils.storage import (
    make_folder,
    published_folder,
    remove_folder,
    reserve,
    sha256,
    sweep,
    sync,
    write_text,
)
from ddpm_clip.utils.tensors import load_tensors, save_tensors
from ddpm_clip.utils.untrusted import read_text

FORMAT = 1
MANIFEST, STATE = "manifest.json", "state.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One published state: named groups of tensors and a small JSON state."""

    step: int
    tensors: dict[str, dict[str, Tensor]]
    state: dict[str, Any]


def path_of(home: Path, step: int) -> Path:
    """Return the folder of one checkpoint."""
    return home / f"step-{step:06d}"


def publish(home: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint; it exists completely when this returns, or not at all.

    Raises:
        StorageError: The disk is full or cannot be written.
    """
    path = path_of(home, checkpoint.step)
    try:
        if not home.parent.is_dir():  # the run was deleted meanwhile: do not recreate it
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(home.parent))
        with published_folder(path) as folder:
            for name, tensors in checkpoint.tensors.items():
                save_tensors(folder / f"{name}.safetensors", tensors)
            state = {"step": checkpoint.step, **checkpoint.state}
            write_text(folder / STATE, json.dumps(state))
            hashes = {file.name: sha256(file) for file in sorted(folder.iterdir())}
            manifest = {"format": FORMAT, "ddpm_clip": ddpm_clip.__version__, "sha256": hashes}
            write_text(folder / MANIFEST, json.dumps(manifest))
    except OSError as error:
        raise _unwritable(f"cannot save {path}", home, error, size_of(checkpoint)) from error
    return path


def check_room(home: Path, size: int, more: int) -> None:
    """Check that checkpoints of `size` bytes can be written, before any training is done.

    Args:
        home: Folder of the checkpoints.
        size: Size of one checkpoint in bytes.
        more: How many checkpoints are written in addition to the existing ones.

    Raises:
        StorageError: There is no space for them, or no permission.
    """
    try:
        make_folder(home)
        reserve(home, size)
        free = shutil.disk_usage(home).free
        if free < size * more:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        what = f"cannot write the checkpoints of this training to {home}"
        raise _unwritable(what, home, error, size * more) from error


def prune(home: Path, keep: Collection[int | None]) -> None:
    """Delete all checkpoints except the steps in `keep`, and what a crash left half-deleted.

    A damaged checkpoint is deleted once every kept checkpoint is newer.
    """
    for step in published_steps(home):
        if step not in keep:
            remove_folder(path_of(home, step))
    oldest = min(published_steps(home), default=0)
    for step in numbered(home, "damaged-"):
        if step < oldest:
            remove_folder(_damaged(home, step))
    sweep(home)


def read(path: Path, groups: Iterable[str] | None = None) -> Checkpoint:
    """Read a checkpoint after verifying every file by its hash; optionally only some groups.

    Raises:
        StorageError: A file is missing or damaged.
        DataError: The checkpoint was made by a newer ddpm_clip.
    """
    names = verified(path)
    wanted = [f"{group}.safetensors" for group in groups] if groups is not None else names
    try:
        if absent := sorted(set(wanted) - names):
            raise StorageError(f"checkpoint is damaged: {path}", f"it has no file {absent[0]}")
        files = [path / name for name in wanted if name.endswith(".safetensors")]
        tensors = {file.stem: load_tensors(file) for file in files}
        state = json.loads(read_text(path / STATE))
        step = int(path.name.removeprefix("step-"))
        if state["step"] != step:
            raise ValueError(f"it states another step: {state['step']}")
    except StorageError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StorageError(f"checkpoint is damaged: {path}", str(error)) from error
    return Checkpoint(step, tensors, state)


def verified(path: Path) -> set[str]:
    """Return the names of a checkpoint's files, after verifying them by their hashes.

    Raises:
        StorageError: A file is missing or damaged.
        DataError: The checkpoint was made by a newer ddpm_clip.
    """
    try:
        manifest = json.loads(read_text(path / MANIFEST))
        if manifest["format"] > FORMAT:
            raise DataError(
                f"{path} was made by ddpm_clip {manifest.get('ddpm_clip', 'of a later version')}",
                "its format is newer than this version can read",
                "upgrade ddpm-clip; or remove that folder to resume from the one before",
            )
        hashes = dict(manifest["sha256"])
        wanted = {file.name for file in path.glob("*.safetensors")} | {STATE}
        if wanted - hashes.keys() or any(Path(name).name != name for name in hashes):
            raise ValueError("manifest.json does not list its files")
        for name, expected in hashes.items():
            if sha256(path / name) != expected:
                raise StorageError(
                    f"checkpoint is damaged: {path / name}",
                    "its SHA-256 does not match manifest.json",
                )
    except StorageError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StorageError(f"checkpoint is damaged: {path}", str(error)) from error
    return set(hashes)


def newest(home: Path, groups: Iterable[str] | None = None) -> Checkpoint | None:
    """Return the newest undamaged checkpoint, or None if there is no checkpoint.

    A damaged one is skipped with a warning.

    Raises:
        StorageError: Every checkpoint is damaged.
        DataError: A checkpoint was made by a newer ddpm_clip.
    """
    groups = None if groups is None else tuple(groups)
    steps = published_steps(home)
    for step in reversed(steps):
        try:
            return read(path_of(home, step), groups)
        except StorageError as error:
            warnings.warn(
                f"{error}\n  falling back to the checkpoint before it",
                DdpmClipWarning,
                stacklevel=3,
            )
    if steps:
        raise StorageError(
            f"every checkpoint in {home} is damaged", fix="start from scratch with --overwrite"
        )
    return None


def set_damaged_aside(home: Path) -> None:
    """Rename damaged checkpoints newer than the newest undamaged one; only for the run's writer.

    After that, the newest by name is undamaged. If all are damaged, nothing is touched.
    """
    bad: list[tuple[int, StorageError]] = []
    for step in reversed(published_steps(home)):
        try:
            verified(path_of(home, step))
            break
        except StorageError as error:
            bad.append((step, error))
    else:
        return
    for damaged, reason in bad:
        aside = _damaged(home, damaged)
        if aside.exists():
            remove_folder(aside)
        os.rename(path_of(home, damaged), aside)
        sync(home)
        warnings.warn(
            f"{reason}\n  it is now {aside}; falling back to step {step}",
            DdpmClipWarning,
            stacklevel=3,
        )


def size_of(checkpoint: Checkpoint) -> int:
    """Return the size of a checkpoint's tensors in bytes."""
    tensors = (one for group in checkpoint.tensors.values() for one in group.values())
    return sum(one.numel() * one.element_size() for one in tensors)


def _damaged(home: Path, step: int) -> Path:
    return home / f"damaged-{step:06d}"


def _unwritable(what: str, home: Path, error: OSError, size: int) -> StorageError:
    """Return the error for a failed write, with the space that is needed and available."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    try:
        free = f", and {shutil.disk_usage(home.parent).free / 2**20:,.0f} MiB are free"
    except OSError:
        free = ""
    room = f"; {size / 2**20:,.1f} MiB are needed{free}" if full else ""
    kept = published_steps(home)
    last = f"; the checkpoint of step {kept[-1]} is intact" if kept else ""
    fix = "free some space" if full else "make it writable, or choose another --out"
    return StorageError(what, f"{error.strerror or error}{room}", f"{fix}{last}")
